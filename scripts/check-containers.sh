#!/usr/bin/env bash
# Checks docker-compose.yml and the Dockerfile, without a Docker engine: Compose reads the file and fills in its variables, a missing
# secret is rejected with the command that creates it, which keeps other settings, and Hadolint reads the Dockerfile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  echo "containers: Docker Compose is missing: apt-get install docker-compose" >&2
  exit 1
fi
hadolint=$(command -v hadolint || echo "${CARGO_TARGET_DIR:-target}/tools/bin/hadolint")
[ -x "$hadolint" ] || { echo "containers: Hadolint is missing: INSTALL=1 scripts/check-prerequisites.sh lint" >&2; exit 1; }

empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
config() { env -u DATABASE_PASS "$@" "${compose[@]}" --project-directory "$empty" -f docker-compose.yml config; } # no .env of yours

config DATABASE_PASS=check >"$empty/config" || { echo "containers: Compose rejects docker-compose.yml" >&2; exit 1; }
# The server warns if its limit of open files is too low for sse.max_clients.
grep -A4 'nofile:' "$empty/config" | grep -q 'soft: 32768' || {
  echo "containers: docker-compose.yml must set the server's ulimits.nofile" >&2
  exit 1
}
if config >/dev/null 2>"$empty/refusal"; then
  echo "containers: docker-compose.yml must not start without a password" >&2
  exit 1
fi
grep -q "scripts/make-secrets.sh" "$empty/refusal" || {
  echo "containers: without a password, Compose does not say how to create one: $(cat "$empty/refusal")" >&2
  exit 1
}

# Manual settings stay, including the password; an account in credentials.json replaces the previous one.
mkdir "$empty/scripts"
cp scripts/make-secrets.sh "$empty/scripts"
secrets() { "$empty/scripts/make-secrets.sh" >/dev/null && sort "$empty/.env" | tr '\n' ' '; }
printf 'DATABASE_PASS=p\nOPENSKY_CLIENT_ID=mine\nOTHER=1\n' >"$empty/.env"
kept=$(secrets)
echo '{"clientId": "theirs", "clientSecret": "s"}' >"$empty/credentials.json"
taken=$(secrets)
if [ "$kept" != "DATABASE_PASS=p OPENSKY_CLIENT_ID=mine OTHER=1 " ] ||
  [ "$taken" != "DATABASE_PASS=p OPENSKY_CLIENT_ID=theirs OPENSKY_CLIENT_SECRET=s OTHER=1 " ]; then
  echo "containers: make-secrets.sh turned .env into: $kept, and with credentials.json: $taken" >&2
  exit 1
fi
"$hadolint" Dockerfile
echo "containers: docker-compose.yml and Dockerfile are well-formed"
