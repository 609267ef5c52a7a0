#!/usr/bin/env bash
# Prints the path of a Python with httpx-sse, in a virtual environment of its own, which it creates if it is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wanted=$here/requirements.txt
made=${CARGO_TARGET_DIR:-$here/../../../target}/tools/httpx-sse
if ! cmp -s "$wanted" "$made/requirements.txt"; then
  rm -rf "$made"
  python3 -m venv "$made" >&2
  "$made/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$wanted" >&2
  # The last step, so that an interrupted installation is repeated.
  cp "$wanted" "$made/requirements.txt"
fi
echo "$made/bin/python"
