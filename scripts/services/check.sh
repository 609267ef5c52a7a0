#!/usr/bin/env bash
# Checks what tests rely on in these scripts: data survive a crash, a paused service does not answer, and with.sh leaves nothing
# behind, however it ends. Takes about a minute.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/services/lib.sh
. "$here/lib.sh"

expect() { # WHAT EXPECTED GOT
  [ "$2" = "$3" ] || die "$1: expected '$2', got '$3'"
}

# Checks a service's script, run by with.sh, so that a failure here leaves no service behind either.
lifecycle() { # SCRIPT OPTION…
  local script=$here/$1 dir address again
  shift
  dir=$(mktemp -d "$TEST_SERVICES_RUN/check.XXXXXX")
  address=$("$script" start "$@" "$dir")
  again=$("$script" start "$@" "$dir")
  expect "$script: started twice, it is one" "$address" "$again"
  "$script" pause "$dir" && "$script" resume "$dir"
  "$script" crash "$dir"
  ! pid_in "$dir/pid" >/dev/null || die "$script: runs after a crash"
  again=$("$script" start "$@" "$dir")
  expect "$script: same address after a crash" "$address" "$again"
  "$script" pause "$dir"
  "$script" stop "$dir"
  ! pid_in "$dir/pid" >/dev/null || die "$script: runs after a stop"
  "$script" stop "$dir"
}

cluster() {
  local dir=$TEST_SERVICES_RUN/cluster address
  address=$("$here/kafka.sh" start --nodes 3 "$dir")
  "$here/kafka.sh" crash "$dir/2"
  pid_in "$dir/1/pid" >/dev/null || die "cluster: node 1 ended with node 2"
  expect "cluster: same addresses with node 2 back" "$address" "$("$here/kafka.sh" start "$dir")"
  "$here/kafka.sh" stop "$dir"
}

# A secured Kafka requires a login, and permits only what an ACL allows.
secured() {
  local dir=$TEST_SERVICES_RUN/secured address again
  address=$("$here/kafka.sh" start --secured "$dir")
  "$here/kafka.sh" allow "$dir" reader --operation Read --topic '*'
  grep -q "User:reader" "$dir/acl.log" || die "secured: $(<"$dir/acl.log")"
  listening "$(<"$dir/misled.port")" || die "secured: nothing listens on the misleading port"
  "$here/kafka.sh" stop "$dir"
  again=$("$here/kafka.sh" start --secured "$dir")
  expect "secured: same address after a stop" "$address" "$again"
  "$here/kafka.sh" stop "$dir"
}

# gone FILE: neither a process listed in the file nor a folder of with.sh is left.
gone() {
  local pid run
  read -r run pid <"$1"
  await_end 10 "$pid" || die "$2: pid $pid is left"
  for _ in {1..100}; do [ -e "$run" ] || break; sleep 0.1; done
  [ ! -e "$run" ] || die "$2: $run is left"
}

# A command that records the folder and the pids of with.sh's service and of one that it starts itself.
# shellcheck disable=SC2016 # for the inner shell
note='own=$("$TEST_SERVICES/postgres.sh" start --fast "$TEST_SERVICES_RUN/own") &&
  echo "$TEST_SERVICES_RUN $(cut -d" " -f1 "$TEST_POSTGRES_DIR/pid")" >"$0.a" &&
  echo "$TEST_SERVICES_RUN $(cut -d" " -f1 "$TEST_SERVICES_RUN/own/pid")" >"$0.b"'

ends() { # NAME SIGNAL EXPECTED_CODE
  local with code=0
  export CARGO_TARGET_DIR=$started/target
  "$here/with.sh" --postgres -- bash -c "$note && touch \"\$0.ready\" && exec sleep 1000" "$started/$1" 2>"$started/$1.log" &
  with=$!
  until [ -e "$started/$1.ready" ]; do
    identity "$with" >/dev/null || die "$1: $(cat "$started/$1.log")"
    sleep 0.1
  done
  kill -s "$2" "$with"
  wait "$with" 2>/dev/null || code=$?
  expect "$1: exit code" "$3" "$code"
  gone "$started/$1.a" "$1" && gone "$started/$1.b" "$1"
}

case "${1:-}" in
  lifecycle | cluster | secured) "$@"; exit ;; # below with.sh
esac

unset TEST_KAFKA TEST_DATABASE_URL TEST_TIMESCALE_URL TEST_SERVICES_RUN
started=$(mktemp -d)
trap 'rm -rf "$started"' EXIT

for check in "lifecycle postgres.sh" "lifecycle postgres.sh --fast" "lifecycle kafka.sh" "lifecycle timescale.sh --memory" cluster secured; do
  # shellcheck disable=SC2086 # to be split
  "$here/with.sh" -- "$here/check.sh" $check
  echo "ok: $check"
done
ends term TERM 143
ends hangup HUP 129
ends killed KILL 137
echo "ok: with.sh ends everything after SIGTERM, SIGHUP and SIGKILL"

code=0
CARGO_TARGET_DIR=$started/target "$here/with.sh" --postgres -- bash -c "$note; exit 7" "$started/failed" 2>/dev/null || code=$?
expect "exit code of the command" 7 "$code"
gone "$started/failed.a" failed && gone "$started/failed.b" failed
echo "ok: with.sh has the command's exit code"

# shellcheck disable=SC2016 # for the inner shell
expect "a service of one's own" "192.0.2.1:9092 " "$(TEST_KAFKA=192.0.2.1:9092 "$here/with.sh" --kafka -- \
  bash -c 'echo "$TEST_KAFKA ${TEST_KAFKA_DIR:-}"' 2>/dev/null)"
# shellcheck disable=SC2016 # for the inner shell
url='"$here/with.sh" --postgres -- printenv TEST_DATABASE_URL 2>/dev/null'
mapfile -t both < <(eval "$url" & eval "$url" & wait)
[ ${#both[@]} = 2 ] || die "two at a time: ${both[*]}"
[ "${both[0]}" != "${both[1]}" ] || die "two at a time: ${both[*]}"
echo "ok: services given by the environment are used, and concurrent runs are independent"
