#!/usr/bin/env bash
# Kills archiving processes under load, and compares the archive, as DuckDB reads it, with the topic.
#
#   check-archive.sh PROGRAM [KILLS] [SEED]
#
# Needs TEST_KAFKA, and a build with the feature fault-injection. DuckDB and confluent-kafka are installed by pip into
# target/tools/archive.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(duckdb==2.0.1 confluent-kafka==2.16.1)
program=$(realpath "${1:?usage: check-archive.sh PROGRAM [KILLS] [SEED]}")
tools=${CARGO_TARGET_DIR:-target}/tools/archive

if [ "$(cat "$tools/packages" 2>/dev/null)" != "${packages[*]}" ]; then
  python3 -m venv --clear "$tools"
  "$tools/bin/python" -m pip install -q --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" >"$tools/packages"
fi
exec "$tools/bin/python" scripts/check-archive.py "$program" "${2:-100}" "${@:3}"
