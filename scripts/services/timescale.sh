#!/usr/bin/env bash
# A real TimescaleDB on 127.0.0.1 for tests: PostgreSQL 17 and the extension in WebAssembly, from npm. Needs Node 20 or newer.
#
#   timescale.sh start [--memory] DIR [PORT]   start it with its data in DIR (--memory: empty at each start), wait, print its URL
#   timescale.sh stop DIR                      stop it cleanly; DIR keeps the data
#   timescale.sh crash DIR                     SIGKILL
#   timescale.sh pause DIR / resume DIR        it keeps its connections but does not answer until it is resumed
#
# DIR can be started again after `stop`: same data, same port. Without PORT a new DIR takes a free one.
# README.md in this folder lists its differences from a server.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/services/lib.sh
. "$here/lib.sh"
modules=$here/timescale/node_modules

usage() { die "usage: timescale.sh start [--memory] DIR [PORT] | stop DIR | crash DIR | pause DIR | resume DIR"; }

install() {
  local stamp=$modules/.installed lock=$here/timescale/package-lock.json
  ! cmp -s "$lock" "$stamp" || return 0
  (
    flock 9
    ! cmp -s "$lock" "$stamp" || exit 0
    echo "timescale.sh: fetching TimescaleDB by npm, once (23 MB)" >&2
    (cd "$here/timescale" && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error </dev/null >/dev/null) ||
      die "could not install TimescaleDB's package from the npm registry"
    cp "$lock" "$stamp"
  ) 9<"$here/timescale/package.json"
}

run() { # DIR PORT
  launch "$1" 120 "^ready " node "$here/timescale/serve.mjs" "$2" "${data[@]}"
}

start() {
  local memory='' dir
  local -a data=()
  if [ "${1:-}" = --memory ]; then memory=1; shift; fi
  [ $# = 1 ] || [ $# = 2 ] || usage
  command -v node >/dev/null || die "node is missing, see scripts/check-prerequisites.sh test"
  install
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  [ -n "$memory" ] || data=("$dir/data")
  pid_in "$dir/pid" >/dev/null || on_port "$dir" "${2:-}" run "$dir"
  echo "postgres://postgres@127.0.0.1:$(<"$dir/port")/postgres"
}

command=${1:-}
[ $# -gt 0 ] && shift
[ "$command" = start ] || [ $# = 1 ] || usage
case "$command" in
  start) start "$@" ;;
  stop) stop "$1" TERM ;;
  crash) crash "$1" ;;
  pause) signal_all "$1" STOP ;;
  resume) signal_all "$1" CONT ;;
  *) usage ;;
esac
