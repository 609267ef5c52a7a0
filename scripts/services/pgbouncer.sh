#!/usr/bin/env bash
# A PgBouncer on 127.0.0.1 for tests, in front of a PostgreSQL of scripts/services; any user logs in as `postgres` without a password.
#
#   PGBOUNCER_SERVER=host:port [PGBOUNCER_POOL_MODE=transaction] pgbouncer.sh start DIR [PORT]   start it, wait, print its URL
#   pgbouncer.sh stop DIR                  end it (clients are disconnected)
#   pgbouncer.sh crash DIR                 SIGKILL
#   pgbouncer.sh pause DIR / resume DIR    it keeps its connections but does not answer until it is resumed
#
# DIR can be started again: same port, the pool mode of that start (session, transaction or statement; default: session).
# Started by root it runs as the user postgres, because PgBouncer rejects root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/services/lib.sh
. "$here/lib.sh"
[ "$(id -u)" = 0 ] && as=(setpriv --reuid=postgres --regid=postgres --init-groups --) || as=()

usage() { die "usage: pgbouncer.sh start DIR [PORT] | stop DIR | crash DIR | pause DIR | resume DIR"; }

run() { # DIR PORT
  cat >"$1/pgbouncer.ini" <<END
[databases]
* = host=${PGBOUNCER_SERVER%:*} port=${PGBOUNCER_SERVER##*:} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $2
unix_socket_dir =
auth_type = any
pool_mode = ${PGBOUNCER_POOL_MODE:-session}
default_pool_size = 20
max_client_conn = 200
END
  cd / # the user postgres may not enter the caller's folder
  launch "$1" 60 "process up: PgBouncer" "${as[@]}" "$(program)" "$1/pgbouncer.ini"
}

program() { command -v pgbouncer || echo /usr/sbin/pgbouncer; }

start() {
  local dir
  [ $# = 1 ] || [ $# = 2 ] || usage
  [ -x "$(program)" ] || die "pgbouncer is missing, see scripts/check-prerequisites.sh test"
  [ -n "${PGBOUNCER_SERVER:-}" ] || die "PGBOUNCER_SERVER=host:port is missing"
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  pid_in "$dir/pid" >/dev/null || on_port "$dir" "${2:-}" run "$dir"
  echo "postgres://postgres@127.0.0.1:$(<"$dir/port")/postgres"
}

command=${1:-}
[ $# -gt 0 ] && shift
[ "$command" = start ] || [ $# = 1 ] || usage
case "$command" in
  start) start "$@" ;;
  stop) stop "$1" INT ;;
  crash) crash "$1" ;;
  pause) signal_all "$1" STOP ;;
  resume) signal_all "$1" CONT ;;
  *) usage ;;
esac
