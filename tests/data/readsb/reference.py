"""Converts the recorded lists with Decimal arithmetic, independently of the server, into the reference values:

    python3 tests/data/readsb/reference.py
"""

import csv
import json
import pathlib
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

FOOT = Decimal("0.3048")
KNOT = Decimal(1852) / 3600
CATEGORIES = ["", "A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "C1", "C2"]
COLUMNS = (
    "icao24 callsign lat lon velocity true_track vertical_rate baro_altitude geo_altitude on_ground squawk spi "
    "position_source category time_position last_contact"
).split()


def scaled(value, factor):
    if value is None:
        return ""
    return (value * factor).quantize(Decimal("0.01"), ROUND_HALF_UP).normalize().__format__("f")


def plain(value):
    return "" if value is None else format(value.normalize(), "f")


def seconds(value):
    return int(value.to_integral_value(ROUND_FLOOR))


def source(aircraft):
    if "lat" in aircraft["mlat"] or aircraft["type"] == "mlat":
        return 2
    if "lat" not in aircraft["tisb"] and aircraft["type"][:5] in ("adsb_", "adsr_"):
        return 0
    return ""


def convert(aircraft, now):
    ground = aircraft.get("alt_baro") == "ground"
    baro = None if ground else aircraft.get("alt_baro")
    airborne = baro is not None or "alt_geom" in aircraft
    vehicle = aircraft.get("category") in ("C1", "C2")
    category = aircraft.get("category")
    has_position = "lat" in aircraft
    last_contact = seconds(now - aircraft["seen"])
    return [
        aircraft["hex"],
        aircraft.get("flight", "").strip(" @"),
        plain(aircraft.get("lat")),
        plain(aircraft.get("lon")),
        scaled(aircraft.get("gs"), KNOT),
        plain(aircraft.get("track")),
        scaled(aircraft.get("baro_rate", aircraft.get("geom_rate")), FOOT / 60),
        scaled(baro, FOOT),
        scaled(aircraft.get("alt_geom"), FOOT),
        "true" if ground else "false" if airborne else "true" if vehicle else "",
        aircraft.get("squawk", ""),
        {0: "false", 1: "true"}.get(int(aircraft["spi"])) if "spi" in aircraft else "",
        source(aircraft) if has_position else "",
        CATEGORIES.index(category) if category in CATEGORIES else "",
        min(last_contact, seconds(now - aircraft["seen_pos"])) if has_position else "",
        last_contact,
    ]


for name in ["adsbexchange-v2-2022-06-21-462", "adsbfi-2024-02-24-21"]:
    folder = pathlib.Path(__file__).parent
    recorded = json.loads((folder / f"{name}.json").read_text(), parse_float=Decimal, parse_int=Decimal)
    now = recorded["now"] if recorded["now"] < 10**11 else recorded["now"] / 1000
    rows = [a for a in recorded.get("ac", recorded.get("aircraft")) if not a["hex"].startswith("~")]
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(convert(row, now) for row in rows)
