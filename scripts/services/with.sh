#!/usr/bin/env bash
# Runs a command with real services, and ends them afterwards, whatever happens.
#
#   with.sh [--kafka] [--postgres] [--timescale] [--durable] -- COMMAND…
#
#   --kafka       TEST_KAFKA          host:port of an Apache Kafka broker
#   --postgres    TEST_DATABASE_URL   URL of a PostgreSQL without fsync (with --durable: with fsync)
#   --timescale   TEST_TIMESCALE_URL  URL of a TimescaleDB, in memory
#
# A service whose variable is already set is not started: the command uses yours. The command also gets
#
#   TEST_SERVICES       this folder, whose kafka.sh, postgres.sh and timescale.sh start more, for tests that break them
#   TEST_SERVICES_RUN   a folder for the data of those; everything in it is ended and removed after COMMAND
#   TEST_KAFKA_DIR, TEST_POSTGRES_DIR, TEST_TIMESCALE_DIR   the folders of those that were started here
#
# Concurrent runs are independent. The exit code is the command's. If it fails, the services' logs are kept in target/service-logs.
# To keep services up by hand: with.sh --kafka --postgres -- sleep infinity
# shellcheck disable=SC2317 # what a trap calls is reachable
set -euo pipefail
set -m # each background job has its own process group, which can be stopped as a whole

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/services/lib.sh
. "$here/lib.sh"
usage() { die "usage: with.sh [--kafka] [--postgres] [--timescale] [--durable] -- COMMAND…"; }

now_ms() { echo $((${EPOCHREALTIME//[!0-9]/} / 1000)); }

say() { echo "services: $*" >&2; }

# end_group PID SECONDS ends the process group that PID leads.
end_group() {
  local deadline=$((SECONDS + $2))
  kill -s TERM -- "-$1" 2>/dev/null || return 0
  while kill -s 0 -- "-$1" 2>/dev/null; do
    # A group that consists of zombies still accepts signals.
    pgrep -g "$1" --runstates D,R,S,T >/dev/null || return 0
    [ $SECONDS -lt $deadline ] || { kill -s KILL -- "-$1" 2>/dev/null || true; return 0; }
    sleep 0.05
  done
}

# Ends every service that was started with TEST_SERVICES_RUN, by this script or by the command.
end_services() {
  local file pid ending
  local -a all pids=()
  for file in "$run"/started/*; do
    pid=$(pid_in "$file") || continue
    mapfile -t all < <(members "$pid")
    # PostgreSQL waits for its clients at SIGTERM, but not at SIGQUIT, which means something else to the other services.
    case "$(cat "/proc/$pid/comm" 2>/dev/null)" in postgres) ending=QUIT ;; *) ending=TERM ;; esac
    kill -s "$ending" "$pid" 2>/dev/null || true
    kill -s CONT "${all[@]}" 2>/dev/null || true
    pids+=("${all[@]}")
  done
  [ ${#pids[@]} = 0 ] || await_end 10 "${pids[@]}" || kill -s KILL "${pids[@]}" 2>/dev/null || true
}

clean_up() {
  local group
  for group in "$run"/groups/*; do
    [ -e "$group" ] || continue
    disown "${group##*/}" 2>/dev/null || true # or the shell reports its end
    end_group "${group##*/}" 15
  done
  end_services
  rm -rf "$run"
}

keep_logs() {
  local kept=${CARGO_TARGET_DIR:-$here/../../target}/service-logs log name
  rm -rf "$kept"
  for log in "$run"/*/{log,initdb.log,format.log}; do
    [ -s "$log" ] || continue
    mkdir -p "$kept"
    name=${log#"$run"/}
    name=${name/%\/log/.log}
    tail -c 1000000 "$log" >"$kept/${name//\//-}"
  done
  [ ! -d "$kept" ] || say "logs kept in $(cd "$kept" && pwd)"
}

leave() {
  local code=$?
  trap '' INT TERM HUP
  trap - EXIT
  [ "$code" = 0 ] || keep_logs
  clean_up
  kill -s KILL -- "-$guard" 2>/dev/null || true
  exit "$code"
}

# A signal goes to the command first, so that it can exit cleanly; its time is bounded.
interrupted() {
  trap '' INT TERM HUP
  say "SIG$1, ending"
  [ -z "${command_pid:-}" ] || {
    kill -s "$1" -- "-$command_pid" 2>/dev/null || true
    await_end 30 "$command_pid" || true
  }
  exit $((128 + $(kill -l "$1")))
}

# start_service VARIABLE NAME SCRIPT [OPTION] starts it in the background; its address will be in $run/NAME.address.
start_service() {
  local variable=$1 name=$2
  shift 2
  if [ -n "${!variable:-}" ]; then
    say "$name: the one of $variable"
    return
  fi
  (
    began=$(now_ms)
    "$here/$1" start "${@:2}" "$run/$name" </dev/null >"$run/$name.address"
    took=$(($(now_ms) - began))
    say "$name: $(<"$run/$name.address"), up in $((took / 1000)).$((took % 1000 / 100)) s"
  ) &
  touch "$run/groups/$!"
  starting+=("$!")
  started+=("$variable $name")
}

wanted=()
durable=--fast
while [ $# -gt 0 ]; do
  case "$1" in
    --kafka | --postgres | --timescale) wanted+=("${1#--}") ;;
    --durable) durable= ;;
    --) shift; break ;;
    *) usage ;;
  esac
  shift
done
[ $# -gt 0 ] || usage

run=$(mktemp -d "${TMPDIR:-/tmp}/flight-monitor-services.XXXXXX")
chmod 755 "$run" # PostgreSQL may run as another user
mkdir "$run/started" "$run/groups"
export TEST_SERVICES=$here TEST_SERVICES_RUN=$run
command_pid=
starting=()
started=()
# Cleans up if this script itself is killed.
(
  trap '' INT TERM HUP
  tail --pid=$$ -s 0.5 -f /dev/null
  clean_up
) </dev/null >/dev/null 2>&1 &
guard=$!
trap leave EXIT
for signal in INT TERM HUP; do
  # shellcheck disable=SC2064 # the name is known now
  trap "interrupted $signal" "$signal"
done

for service in "${wanted[@]}"; do
  case "$service" in
    kafka) start_service TEST_KAFKA kafka kafka.sh ;;
    postgres) start_service TEST_DATABASE_URL postgres postgres.sh ${durable:+"$durable"} ;;
    timescale) start_service TEST_TIMESCALE_URL timescale timescale.sh --memory ;;
  esac
done
for job in "${starting[@]}"; do
  wait "$job" || die "a service did not start"
  rm "$run/groups/$job"
done
for service in "${started[@]}"; do
  read -r variable name <<<"$service"
  export "$variable=$(<"$run/$name.address")" "TEST_${name^^}_DIR=$run/$name"
done

"$@" <&0 &
command_pid=$!
touch "$run/groups/$command_pid"
code=0
wait "$command_pid" || code=$?
exit "$code"
