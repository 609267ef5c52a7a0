# shellcheck shell=bash
# Shared by the service scripts: one process in one folder, started, watched and ended by its pid.
#
# A service lives in DIR: DIR/pid (pid and start time), DIR/port, DIR/log, DIR/data. Linux only: it reads /proc.
# Needs bash 5.1 or newer, and setsid from util-linux.

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Prints when PID was started, in clock ticks after boot: with the pid, the identity of a process. Fails if PID is gone or a zombie.
identity() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  stat=${stat##*) } # the command name before it may hold blanks and parentheses
  # shellcheck disable=SC2086 # to be split
  set -- $stat
  # A zombie is dead, once its threads are: until then it still has its port.
  [[ $1 != [ZX] || ${18} -gt 1 ]] && echo "${20}"
}

# Prints the pid that a pid file names if that very process still runs.
pid_in() {
  local pid started
  read -r pid started 2>/dev/null <"$1" && [ "$(identity "$pid")" = "$started" ] && echo "$pid"
}

# Prints the pids of PID and its children.
members() {
  echo "$1"
  pgrep -P "$1" || true
}

# Waits up to SECONDS until none of the PIDs is left.
await_end() {
  local deadline=$((SECONDS + $1)) pid
  shift
  for pid; do
    while identity "$pid" >/dev/null; do
      [ $SECONDS -lt $deadline ] || return 1
      sleep 0.05
    done
  done
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a free port, below the kernel's ephemeral ports.
free_port() {
  local port
  for _ in {1..50}; do
    port=$((20000 + SRANDOM % 12000))
    listening "$port" || { echo "$port"; return; }
  done
  die "found no free port"
}

# on_port DIR PORT COMMAND… calls COMMAND with a port as its last argument: the one DIR was created for, else PORT, else a free one.
# If another process takes a free one first, it tries another.
on_port() {
  local dir=$1 wanted=$2 port
  shift 2
  if [ -f "$dir/port" ]; then
    port=$(<"$dir/port")
    [ "${wanted:-$port}" = "$port" ] || die "$dir was created for port $port"
    wanted=$port
  fi
  for _ in 1 2 3; do
    port=${wanted:-$(free_port)}
    ! listening "$port" || die "port $port is taken"
    if "$@" "$port"; then
      echo "$port" >"$dir/port"
      return
    fi
    [ -z "$wanted" ] && tail -50 "$dir/log" | grep -Eqi "address already in use|EADDRINUSE" || return 1
  done
  return 1
}

# launch DIR SECONDS READY COMMAND… starts COMMAND in its own session, with its output appended to DIR/log, and waits until
# a line there matches READY. On failure it ends what it started and returns 1.
launch() {
  local dir=$1 seconds=$2 ready=$3 seen=0 pid deadline
  shift 3
  [ ! -f "$dir/log" ] || seen=$(stat -c %s "$dir/log")
  rm -f "$dir/pid"
  (
    # The pid is recorded before the service exists, so that an interruption cannot come between the two.
    self=$BASHPID
    echo "$self $(identity "$self")" >"$dir/pid"
    [ -z "${TEST_SERVICES_RUN:-}" ] || cp "$dir/pid" "$TEST_SERVICES_RUN/started/$self"
    exec setsid -- "$@" </dev/null >>"$dir/log" 2>&1
  ) &
  pid=$!
  deadline=$((SECONDS + seconds))
  until tail -c +$((seen + 1)) "$dir/log" 2>/dev/null | grep -Eq "$ready"; do
    if ! identity "$pid" >/dev/null; then
      echo "$(basename "$0"): the process ended, see $dir/log" >&2
      return 1
    fi
    if [ $SECONDS -ge $deadline ]; then
      echo "$(basename "$0"): not ready after $seconds s, see $dir/log" >&2
      crash "$dir"
      return 1
    fi
    sleep 0.1
  done
}

# stop DIR SIGNAL ends the service, by SIGKILL after 15 s. It succeeds without a service.
stop() {
  local pid
  local -a all
  pid=$(pid_in "$1/pid") || return 0
  mapfile -t all < <(members "$pid")
  kill -s "$2" "$pid" 2>/dev/null || true
  kill -s CONT "${all[@]}" 2>/dev/null || true # it may have been paused
  await_end 15 "$pid" || crash "$1"
  rm -f "$1/pid"
}

# Ends the service like a power cut: SIGKILL to it and its children.
crash() {
  local pid
  local -a all
  pid=$(pid_in "$1/pid") || die "nothing runs in $1"
  kill -s STOP "$pid" 2>/dev/null || true # so that it starts no more children
  mapfile -t all < <(members "$pid")
  kill -s KILL "${all[@]}" 2>/dev/null || true
  await_end 15 "${all[@]}" || die "pid $pid in $1 does not end"
  rm -f "$1/pid"
}

# signal_all DIR STOP|CONT pauses or resumes the service: it keeps its connections but does not answer.
signal_all() {
  local pid
  local -a all
  pid=$(pid_in "$1/pid") || die "nothing runs in $1"
  mapfile -t all < <(members "$pid")
  kill -s "$2" "${all[@]}"
}
