#!/usr/bin/env bash
# An Eclipse Mosquitto (MQTT broker) on 127.0.0.1 for tests.
#
#   [MOSQUITTO_USER=name:password] mosquitto.sh start DIR [PORT]   start it, wait, print its URL
#   mosquitto.sh stop DIR                  end it (clients are disconnected)
#   mosquitto.sh crash DIR                 SIGKILL
#   mosquitto.sh pause DIR / resume DIR    it keeps its connections but does not answer until it is resumed
#
# DIR can be started again: same port; retained messages are kept by a clean stop. Without MOSQUITTO_USER anyone may connect.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/services/lib.sh
. "$here/lib.sh"

usage() { die "usage: mosquitto.sh start DIR [PORT] | stop DIR | crash DIR | pause DIR | resume DIR"; }

run() { # DIR PORT
  mkdir -p "$1/data"
  {
    echo "listener $2 127.0.0.1"
    echo "persistence true"
    echo "persistence_location $1/data/"
    echo "log_dest stderr"
    # Started by root, it would change to a user that cannot write DIR.
    [ "$(id -u)" != 0 ] || echo "user root"
    if [ -n "${MOSQUITTO_USER:-}" ]; then
      echo "allow_anonymous false"
      echo "password_file $1/passwords"
    else
      echo "allow_anonymous true"
    fi
  } >"$1/mosquitto.conf"
  [ -z "${MOSQUITTO_USER:-}" ] || mosquitto_passwd -c -b "$1/passwords" "${MOSQUITTO_USER%%:*}" "${MOSQUITTO_USER#*:}" || return 1
  launch "$1" 20 "mosquitto version .* running" "$(program)" -c "$1/mosquitto.conf"
}

program() { command -v mosquitto || echo /usr/sbin/mosquitto; }

start() {
  local dir
  [ $# = 1 ] || [ $# = 2 ] || usage
  [ -x "$(program)" ] || die "mosquitto is missing, see scripts/check-prerequisites.sh test"
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  pid_in "$dir/pid" >/dev/null || on_port "$dir" "${2:-}" run "$dir"
  echo "mqtt://127.0.0.1:$(<"$dir/port")"
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
