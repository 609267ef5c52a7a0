#!/usr/bin/env bash
# Imports a trace of readsb, exports it for the Python library traffic, and compares what traffic computes with the server's flights.
#
#   check-traffic.sh PROGRAM
#
# traffic is installed by pip into target/tools/traffic, 1.1 GB. The flights are derived some minutes after the server starts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# traffic 2.13 does not run with pandas 3.
packages=(traffic==2.13 pandas==2.3.3)
root=$PWD
program=$(realpath "${1:?usage: check-traffic.sh PROGRAM}")
tools=${CARGO_TARGET_DIR:-target}/tools/traffic

if [ "$(cat "$tools/packages" 2>/dev/null)" != "${packages[*]}" ]; then
  python3 -m venv --clear "$tools"
  "$tools/bin/python" -m pip install -q --disable-pip-version-check "${packages[@]}"
  echo "${packages[*]}" >"$tools/packages"
fi
python=$(realpath "$tools")/bin/python

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
export DATABASE_URL=sqlite://flights.db RUST_LOG=warn

# The trace with times of yesterday, so that its flights are within the retention.
"$python" - "$root/tests/data/import/readsb/trace_full_ac671b.json" >trace.json <<'END'
import json, sys, time
trace = json.load(open(sys.argv[1], encoding="utf-8"))
trace["timestamp"] = int(time.time()) - 26 * 3600 + 0.619
json.dump(trace, sys.stdout)
END
"$program" import trace.json
for file in flights.parquet flights.csv; do
  "$program" export --from 0 --columns traffic "$file"
done

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# A source that refuses connections: there are only the imported rows.
HTTP_PORT=$port OPENSKY_BASE_URL=http://127.0.0.1:1 RUST_LOG=error "$program" serve >server.log 2>&1 &
server=$!
echo "waiting for the server to derive the flights"
deadline=$((SECONDS + 900))
until curl -sf "http://127.0.0.1:$port/api/v1/flights/past?from=0" >flights.json && grep -q DAL2927 flights.json; do
  if [ $SECONDS -gt $deadline ] || ! kill -0 "$server" 2>/dev/null; then
    cat server.log >&2
    echo "no flights were derived" >&2
    exit 1
  fi
  sleep 2
done
"$python" "$root/scripts/check-traffic.py" flights.json flights.parquet flights.csv trace.json
