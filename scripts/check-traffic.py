#!/usr/bin/env python3
"""Compares what the Python library traffic computes from an export, and reads from a trace, with the server.

check-traffic.py FLIGHTS.json EXPORT.parquet EXPORT.csv TRACE.json
"""

import datetime
import json
import sys
from pathlib import Path

import numpy
import pandas
from traffic.core import Flight, Traffic

# The largest difference of two distances: traffic measures on the WGS-84 ellipsoid, the server on a sphere.
DISTANCE = 0.005

# The largest differences from traffic's own reader of traces, which is not exact in the last bit of a double. The server keeps
# speeds and rates in 0.01 m/s.
TOLERANCES = [("latitude", 1e-9), ("longitude", 1e-9), ("groundspeed", 0.02), ("track", 1e-9), ("vertical_rate", 1.0)]


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found} instead of {expected}")


def check_all(what, found, expected):
    found, expected = list(found), list(expected)
    check(f"number of {what}", len(found), len(expected))
    for index, (one, other) in enumerate(zip(found, expected)):
        check(f"{what}, {index}", one, other)


def check_flights(name, flights, **options):
    traffic = Traffic.from_file(name, **options)
    for flight in flights:
        start, stop = (pandas.Timestamp(flight[key], unit="s", tz="UTC") for key in ("first_seen", "last_seen"))
        part = traffic[flight["icao24"]].between(start, stop, strict=False)
        what = f"{name}, {flight['callsign']} at {start}"
        check(f"{what}, states", len(part.data), flight["states"])
        check(f"{what}, duration", part.duration.total_seconds(), flight["last_seen"] - flight["first_seen"])
        check(f"{what}, highest altitude", round(part.max("altitude") * 0.3048, 2), flight["highest_altitude"])
        check(f"{what}, callsigns", set(part.data.callsign.dropna()), {flight["callsign"]})
        distance = part.cumulative_distance().max("cumdist") * 1852
        if abs(distance / flight["distance"] - 1) > DISTANCE:
            sys.exit(f"{what}: distance {distance:.0f} m instead of {flight['distance']:.0f} m")
        print(f"{what}: {len(part.data)} states, {distance / 1000:.1f} km and {flight['distance'] / 1000:.1f} km")


def seconds(times):
    return [int(time.replace(tzinfo=datetime.UTC).timestamp()) for time in times]


def check_trace(export, trace):
    """traffic's own reader of traces yields the same values, point by point."""
    own = Traffic.from_file(export).data.set_index("timestamp")
    other = Flight.from_readsb(trace).data
    other = other.assign(second=other.timestamp.dt.round("ms").dt.floor("s")).drop_duplicates("second").set_index("second")
    check_all("times of the trace", seconds(own.index), seconds(other.index))
    for column, tolerance in TOLERANCES:
        values = (own[column].astype("float64").to_numpy(), other[column].astype("float64").to_numpy())
        check_all(f"unknown values of {column}", numpy.isnan(values[0]), numpy.isnan(values[1]))
        difference = numpy.nanmax(abs(values[0] - values[1]))
        if difference > tolerance:
            sys.exit(f"{column} of the trace differs by {difference}")
    altitude = other.altitude.where(other.altitude != "ground").astype("float64")
    check_all("altitudes of the trace", own.altitude.astype("float64").fillna(-1e9), altitude.fillna(-1e9))
    check_all("points on the ground", own.onground, other.altitude == "ground")
    print(f"traffic reads the same {len(own)} points from the trace")


def main():
    flights, parquet, csv, trace = sys.argv[1:]
    flights = json.loads(Path(flights).read_text(encoding="utf-8"))["flights"]
    check_flights(parquet, flights)
    check_flights(csv, flights, parse_dates=["timestamp", "last_position"], dtype={"squawk": "string"})
    check_trace(parquet, trace)


if __name__ == "__main__":
    main()
