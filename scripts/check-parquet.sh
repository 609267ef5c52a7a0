#!/usr/bin/env bash
# Reads exported Parquet files with DuckDB and Polars, and imports files that those write: every value of the recorded answers is
# the same, to the last decimal.
#
#   check-parquet.sh PROGRAM
#
# DuckDB and Polars are installed by pip into target/tools/parquet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(duckdb==2.0.1 polars==2.1.0)
root=$PWD
program=$(realpath "${1:?usage: check-parquet.sh PROGRAM}")
tools=${CARGO_TARGET_DIR:-target}/tools/parquet

if [ "$(cat "$tools/packages" 2>/dev/null)" != "${packages[*]}" ]; then
  python3 -m venv --clear "$tools"
  "$tools/bin/python" -m pip install -q --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" >"$tools/packages"
fi
python=$(realpath "$tools")/bin/python

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

run() { # DATABASE ARGUMENT…
  local database=$1
  shift
  DATABASE_URL=sqlite://$database DATABASE_RETENTION=36500d RUST_LOG=warn timeout 60 "$program" "$@" 2>log ||
    { cat log >&2; echo "failed: flight-monitor $*" >&2; exit 1; }
}

export_from() { # DATABASE FILE [ARGUMENT…]
  run "$1" export --from 0 --to 4000000000 --force "${@:2}"
}

for answer in "$root"/tests/data/opensky/extended-*.json "$root"/simulator/tests/data/odd-rows.json; do
  rm -f ./*
  run first.db import --max-bad 1000 "$answer"
  export_from first.db rows.ndjson
  export_from first.db decimal.parquet
  export_from first.db double.parquet --numbers double
  "$python" "$root/scripts/check-parquet.py" rows.ndjson decimal.parquet double.parquet
  # The script has written the same rows as DuckDB and Polars write them.
  for file in rewritten-*.parquet; do
    rm -f second.db*
    run second.db import "$file"
    export_from second.db again.ndjson
    cmp rows.ndjson again.ndjson || { echo "$file of $(basename "$answer") was imported with other values" >&2; exit 1; }
  done
  echo "Parquet: DuckDB and Polars agree on $(wc -l <rows.ndjson) rows of $(basename "$answer")"
done
