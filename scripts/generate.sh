#!/usr/bin/env bash
# Writes the generated texts again: config.yaml, and the settings table of docs/configuration.md. Tests compare both.
#
#   generate.sh PROGRAM
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:?usage: generate.sh PROGRAM}
document=docs/configuration.md
marker='<!-- Generated: make generate -->'

template=$("$program" check-config --template)
table=$("$program" check-config --markdown)
head=$(sed "/^$marker\$/q" "$document")
[ "${head##*$'\n'}" = "$marker" ] || { echo "generate: $document has no line '$marker'" >&2; exit 1; }
printf '%s\n' "$template" >config.yaml
printf '%s\n\n%s\n' "$head" "$table" >"$document"
