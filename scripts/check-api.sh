#!/usr/bin/env bash
# Asks the real server what its own description at /api/v1/openapi.json says that one may ask, and much that it does not, by
# Schemathesis: no answer is an error of the server's, and none is one that the description does not have.
#
#   check-api.sh PROGRAM [MOST]     MOST: examples for each address (default: 50); the same ones each time
#
# Schemathesis is installed from PyPI into target/tools/schemathesis where it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=4.32.5
program=$(realpath "${1:?usage: check-api.sh PROGRAM [MOST]}")
most=${2:-50}
tools=${CARGO_TARGET_DIR:-target}/tools/schemathesis
token=the-token-of-this-check

if [ "$("$tools/bin/st" --version 2>/dev/null | grep -o '[0-9.]*$')" != "$version" ]; then
  python3 -m venv --clear "$tools"
  "$tools/bin/python" -m pip install -q --disable-pip-version-check "schemathesis==$version"
fi
tools=$(realpath "$tools")

folder=$(mktemp -d)
server=
end() {
  [ -z "$server" ] || { kill -s KILL "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  rm -rf "$folder"
}
trap end EXIT
cd "$folder"
touch log output
HTTP_PORT=0 ADMIN_TOKEN=$token "$program" serve --demo >output 2>log &
server=$!
address=
for _ in $(seq 600); do
  address=$(sed -n 's|.*  open  *\(http://[^ ]*[0-9]\)/*$|\1|p' log output | head -1)
  [ -n "$address" ] && curl -fs --noproxy '*' -o ready "$address/health/ready" && break
  kill -s 0 "$server" 2>/dev/null || break
  sleep 0.1
done
[ -s ready ] || { cat log >&2; echo "the server is not ready" >&2; exit 1; }

# The streams have no end, and a drain is the end of the server. That a text of the right type is refused for what it says is meant so: the description tells in
# words what a box or a time is.
NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 timeout 300 "$tools/bin/st" run "$address/api/v1/openapi.json" --url "$address" \
  --exclude-path /sse/flights --exclude-path /api/v1/stream --exclude-path /admin/events --exclude-path /admin/drain \
  --header "Authorization: Bearer $token" \
  --phases examples,coverage,fuzzing --max-examples "$most" --seed 20261124 --generation-deterministic --continue-on-failure \
  --exclude-checks positive_data_acceptance --no-color

curl -fs --noproxy '*' -o /dev/null "$address/health/ready"
if grep -q panicked log; then
  grep panicked log >&2
  exit 1
fi
