#!/usr/bin/env bash
# Creates the git-ignored file .env for docker-compose.yml: a random database password, and the OpenSky account of
# credentials.json if there is one. Run it again after credentials.json changed: the password stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
umask 077

setting() { [ ! -f .env ] || sed -n "s/^$1=//p" .env; }
credential() { # NAME OTHER_NAME
  tr -d '\n' <credentials.json | sed -nE "s/.*\"($1|$2)\"[[:space:]]*:[[:space:]]*\"([^\"\\]*)\".*/\2/p"
}

trap 'rm -f .env.part' EXIT
password=$(setting DATABASE_PASS)
[ -n "$password" ] || password=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
{
  echo "DATABASE_PASS=$password"
  if [ -f credentials.json ]; then
    id=$(credential clientId client_id)
    secret=$(credential clientSecret client_secret)
    if [[ ! $id =~ ^[A-Za-z0-9._@+-]+$ || ! $secret =~ ^[A-Za-z0-9._~+/=-]+$ ]]; then
      echo "make-secrets.sh: credentials.json must hold clientId and clientSecret, as OpenSky hands them out" >&2
      exit 1
    fi
    printf 'OPENSKY_CLIENT_ID=%s\nOPENSKY_CLIENT_SECRET=%s\n' "$id" "$secret"
  fi
  # Other settings in the file stay, and so does an account if there is no credentials.json.
  written='DATABASE_PASS'
  [ ! -f credentials.json ] || written='DATABASE_PASS|OPENSKY_CLIENT_ID|OPENSKY_CLIENT_SECRET'
  [ ! -f .env ] || grep -Ev "^($written)=" .env || true
} >.env.part
mv .env.part .env
echo "wrote .env: the database's password$([ ! -f credentials.json ] || echo " and the OpenSky account of credentials.json")"
