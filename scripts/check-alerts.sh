#!/usr/bin/env bash
# Checks the alert rules for Prometheus, and runs their tests. Every alert must have one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../deploy/prometheus"

promtool check rules alerts.yml
promtool test rules alerts_test.yml
alerts=$(sed -n 's/^ *- alert: *//p' alerts.yml | sort)
untested=$(comm -23 <(echo "$alerts") <(sed -n 's/^ *alertname: *//p' alerts_test.yml | sort -u))
[ -z "$untested" ] || { echo "no test in deploy/prometheus/alerts_test.yml for: ${untested//$'\n'/, }" >&2; exit 1; }
