#!/usr/bin/env python3
"""Writes `actors/src/enrichment/data/airports.csv.gz` from `airports.csv` of the Python package `airportsdata`.

usage: scripts/make-airports.py airports.csv > actors/src/enrichment/data/airports.csv.gz

`pip download --no-deps airportsdata` fetches the package, a zip archive that contains `airportsdata/airports.csv`. Columns:
ICAO code, IATA code or nothing, elevation in metres, latitude and longitude in degrees, country, name. Rows without a
position are left out.
"""

import csv
import gzip
import sys


def main():
    lines = []
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["lat"] or not row["lon"]:
                continue
            elevation = round(float(row["elevation"] or 0) * 0.3048)
            lat, lon = (f"{float(row[name]):.4f}".rstrip("0").rstrip(".") for name in ("lat", "lon"))
            texts = [" ".join(row[name].replace(";", ",").split()) for name in ("country", "name")]
            lines.append(";".join([row["icao"], row["iata"], str(elevation), lat, lon, *texts]) + "\n")
    sys.stdout.buffer.write(gzip.compress("".join(sorted(lines)).encode(), 9, mtime=0))


main()
