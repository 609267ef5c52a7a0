#!/usr/bin/env bash
# A private PostgreSQL on 127.0.0.1 for tests; any user logs in without a password. Needs the server's binaries (14 or newer).
#
#   postgres.sh start [--fast] DIR [PORT]   start it with its data in DIR, wait until it answers, print its URL
#   postgres.sh stop DIR                    stop it cleanly (clients are disconnected); DIR keeps the data
#   postgres.sh crash DIR                   SIGKILL to the server and its children, as a power cut would
#   postgres.sh pause DIR / resume DIR      it keeps its connections but does not answer until it is resumed
#   postgres.sh bin                         print the folder of its programs
#
# DIR can be started again after `stop` or `crash`: same data, same port. Without PORT a new DIR takes a free one.
# --fast turns fsync, full_page_writes and synchronous_commit off, at this start: for tests, never for crashes or figures.
# Started by root it runs as the user postgres, which must be able to reach DIR; started by anyone else, as that user.
#
# Environment: PG_BIN, the folder of initdb and postgres (default: the newest one found).
#              POSTGRES_OPTIONS, more of its options, such as `-c max_connections=20`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/services/lib.sh
. "$here/lib.sh"
[ "$(id -u)" = 0 ] && as=(setpriv --reuid=postgres --regid=postgres --init-groups --) || as=()

find_bin() {
  local initdb
  if [ -n "${PG_BIN:-}" ]; then
    [ -x "$PG_BIN/initdb" ] || die "PG_BIN=$PG_BIN holds no initdb"
    echo "$PG_BIN"
    return
  fi
  initdb=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1) # where Debian keeps them, off the PATH
  [ -x "$initdb" ] || initdb=$(command -v initdb || true)
  [ -n "$initdb" ] || die "no PostgreSQL server found: apt-get install postgresql, or set PG_BIN"
  dirname "$initdb"
}

usage() { die "usage: postgres.sh start [--fast] DIR [PORT] | stop DIR | crash DIR | pause DIR | resume DIR | bin"; }

run() { # DIR PORT, with the array `options`
  # A killed server leaves it behind, and another process may have its pid by now.
  rm -f "$1/data/postmaster.pid"
  cd / # the user postgres may not enter the caller's folder
  launch "$1" 60 "database system is ready to accept connections" "${as[@]}" "$bin/postgres" -D "$1/data" -p "$2" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 "${options[@]}"
}

start() {
  local bin dir
  local -a options
  read -ra options <<<"${POSTGRES_OPTIONS:-}"
  if [ "${1:-}" = --fast ]; then
    options+=(-c fsync=off -c full_page_writes=off -c synchronous_commit=off)
    shift
  fi
  [ $# = 1 ] || [ $# = 2 ] || usage
  bin=$(find_bin)
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$dir"
    (cd / && "${as[@]}" test -w "$dir") || die "the user postgres cannot reach $dir: use a folder whose parents are all accessible"
  fi
  [ -f "$dir/data/PG_VERSION" ] ||
    (cd / && "${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync) \
      </dev/null >"$dir/initdb.log" 2>&1 || die "initdb failed, see $dir/initdb.log"
  pid_in "$dir/pid" >/dev/null || on_port "$dir" "${2:-}" run "$dir"
  echo "postgres://postgres@127.0.0.1:$(<"$dir/port")/postgres"
}

command=${1:-}
[ $# -gt 0 ] && shift
[ "$command" = start ] || [ "$command" = bin ] || [ $# = 1 ] || usage
case "$command" in
  start) start "$@" ;;
  bin) find_bin ;;
  stop) stop "$1" INT ;; # its "fast shutdown"
  crash) crash "$1" ;;
  pause) signal_all "$1" STOP ;;
  resume) signal_all "$1" CONT ;;
  *) usage ;;
esac
