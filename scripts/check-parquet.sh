#!/usr/bin/env bash
# Reads exported Parquet files with DuckDB and Polars, and imports files that those and pandas write, as Parquet, CSV and NDJSON:
# every value of the recorded answers is the same, to the last decimal.
#
#   check-parquet.sh PROGRAM
#
# DuckDB, Polars and pandas are installed by pip into target/tools/parquet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(duckdb==2.0.1 polars==2.1.0 pandas==2.3.3 pyarrow==26.0.1)
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

check_import() { # FILE ROWS
  rm -f second.db*
  run second.db import "$1"
  export_from second.db again.ndjson
  "$python" - "$2" again.ndjson <<'END' || { echo "$1 of $(basename "$answer") was imported with other values" >&2; exit 1; }
import json, sys
rows, again = ([json.loads(line) for line in open(file, encoding="utf-8")] for file in sys.argv[1:])
key = lambda row: (row["last_contact"], row["icao24"])
rows.sort(key=key), again.sort(key=key)
for row, other in zip(rows, again):
    if row != other:
        sys.exit(f"{other} instead of {row}")
sys.exit(len(rows) != len(again))
END
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
    check_import "$file" rows.ndjson
  done
  if [ "$(basename "$answer")" != odd-rows.json ]; then
    "$python" "$root/scripts/write-frames.py" rows.ndjson
    for file in frame-*; do
      check_import "$file" rows.ndjson
    done
    for file in trino-*; do
      check_import "$file" expected-trino.ndjson
    done
  fi
  echo "Parquet: DuckDB and Polars agree on $(wc -l <rows.ndjson) rows of $(basename "$answer")"
done
