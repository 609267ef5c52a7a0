#!/usr/bin/env bash
# The crate `actors` does no I/O: neither it nor its dependencies may talk to Kafka, a database or an HTTP client.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

forbidden='rdkafka|rdkafka-sys|diesel|diesel-async|tokio-postgres|awc|actix-web|actix-http|reqwest|ureq|hyper'
tree=$(cargo tree --locked -p actors --all-features --edges normal,build --prefix none)
found=$(cut -d' ' -f1 <<<"$tree" | sort -u | grep -Ex "$forbidden" || true)
if [ -z "$found" ]; then
  echo "architecture: the crate actors does not depend on any crate that does I/O"
  exec scripts/check-modules.py
fi

echo "architecture: the crate actors must do no I/O, but depends on:" >&2
for crate in $found; do
  echo "- $crate, through:" >&2
  cargo tree --locked -p actors --all-features --edges normal,build --invert "$crate" >&2
done
echo "Put the I/O into src/, behind a trait of actors/src/ports/." >&2
exit 1
