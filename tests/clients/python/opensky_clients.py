"""OpenSky's clients from PyPI, python-opensky and pyopensky, against a server of this project.

    opensky_clients.py PORT ICAO24 BEGIN END

Every call of both clients is made, and every value compared with /api/v1. The clients' hosts are fixed, so this process
resolves them to the server on this machine, which has a certificate for them; SSL_CERT_FILE names it. Outside a test, a
DNS entry does the same.
"""

import asyncio
import json
import os
import socket
import sys
import urllib.request

HOSTS = ("opensky-network.org", "auth.opensky-network.org")
PORT, ICAO24, BEGIN, END = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

resolve = socket.getaddrinfo


def resolve_here(host, port, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in HOSTS:
        raise AssertionError(f"a client asked for {name}")
    return resolve("127.0.0.1", PORT, *args, **kwargs)


socket.getaddrinfo = resolve_here

# pyopensky reads the credentials when it is imported.
os.environ |= {"OPENSKY_CLIENT_ID": "anybody", "OPENSKY_CLIENT_SECRET": "anything"}

import httpx  # noqa: E402
import pandas as pd  # noqa: E402
from aiohttp import BasicAuth  # noqa: E402
from pyopensky.rest import REST  # noqa: E402
from python_opensky import BoundingBox, OpenSky  # noqa: E402


def api(path):
    with urllib.request.urlopen(f"https://{HOSTS[0]}/api/v1/{path}") as response:
        return json.load(response)


def same(name, got, expected):
    if got != expected:
        raise AssertionError(f"{name}: {got!r} instead of {expected!r}")


def padded(callsign):
    return callsign and f"{callsign:<8}"


# The attributes of python-opensky's states, and the fields of ours.
ATTRIBUTES = {
    "icao24": "icao24",
    "time_position": "time_position",
    "last_contact": "last_contact",
    "longitude": "lon",
    "latitude": "lat",
    "geo_altitude": "geo_altitude",
    "on_ground": "on_ground",
    "velocity": "velocity",
    "true_track": "true_track",
    "vertical_rate": "vertical_rate",
    "barometric_altitude": "baro_altitude",
    "transponder_code": "squawk",
    "special_purpose_indicator": "spi",
}


def check_python_opensky_states(answer, flights):
    same("time", answer.time, flights["time"])
    same("number of states", len(answer.states), flights["count"])
    for got, expected in zip(answer.states, flights["states"], strict=True):
        for attribute, field in ATTRIBUTES.items():
            same(f"{got.icao24} {attribute}", getattr(got, attribute), expected[field])
        same("callsign", got.callsign, padded(expected["callsign"]))
        same("origin_country", got.origin_country, expected["origin_country"] or "")
        same("sensors", got.sensors, None)
        same("position_source", int(got.position_source), expected["position_source"] or 0)
        same("category", int(got.category), expected["category"] or 0)


async def check_python_opensky():
    async with OpenSky() as opensky:
        check_python_opensky_states(await opensky.get_states(), api("flights"))
        box = BoundingBox(min_latitude=30, max_latitude=60, min_longitude=-10, max_longitude=30)
        check_python_opensky_states(await opensky.get_states(bounding_box=box), api("flights?bbox=30,-10,60,30"))
        nowhere = BoundingBox(min_latitude=-90, max_latitude=-89.9, min_longitude=0, max_longitude=0.1)
        same("states at the pole", (await opensky.get_states(bounding_box=nowhere)).states, [])
        # Basic authentication, which is ignored.
        await opensky.authenticate(BasicAuth("me", "hush"), contributing_user=True)
        same("authenticated", opensky.is_authenticated, True)
        check_python_opensky_states(await opensky.get_own_states(), api("flights"))


def value(cell):
    return None if pd.isna(cell) else cell


def check_pyopensky_states(frame, flights):
    same("number of states", len(frame), flights["count"])
    for got, expected in zip(frame.to_dict("records"), flights["states"], strict=True):
        name = got["icao24"]
        columns = {
            "icao24": "icao24",
            "callsign": "callsign",
            "longitude": "lon",
            "latitude": "lat",
            "altitude": "baro_altitude",
            "onground": "on_ground",
            "groundspeed": "velocity",
            "track": "true_track",
            "vertical_rate": "vertical_rate",
            "geoaltitude": "geo_altitude",
            "squawk": "squawk",
            "spi": "spi",
            "position_source": "position_source",
        }
        for column, field in columns.items():
            same(f"{name} {column}", value(got[column]), expected[field])
        for column, field in {"timestamp": "last_contact", "last_position": "time_position"}.items():
            time = value(got[column])
            same(f"{name} {column}", time and int(time.timestamp()), expected[field])


def check_pyopensky():
    rest = REST()
    same("token", rest.token["token_type"], "Bearer")
    check_pyopensky_states(rest.states(), api("flights"))
    check_pyopensky_states(rest.states(own=True), api("flights"))
    check_pyopensky_states(rest.states(bounds=(-10, 30, 30, 60)), api("flights?bbox=30,-10,60,30"))

    track = rest.tracks(ICAO24)
    states = {state["time_position"]: state for state in api(f"flights/{ICAO24}/track")["states"]}
    if len(track) < 2:
        raise AssertionError(f"the track has {len(track)} waypoints")
    for got in track.to_dict("records"):
        expected = states[int(got["timestamp"].timestamp())]
        for column, field in {
            "latitude": "lat",
            "longitude": "lon",
            "altitude": "baro_altitude",
            "track": "true_track",
            "onground": "on_ground",
        }.items():
            same(f"waypoint {column}", value(got[column]), expected[field])
        same("callsign", value(got["callsign"]), padded(expected["callsign"]))

    flights = rest.aircraft(ICAO24, BEGIN, END)
    past = api(f"flights/past?icao24={ICAO24}&from={BEGIN}&to={END}")["flights"]
    same("number of flights", len(flights), len(past))
    for got, expected in zip(flights.to_dict("records"), past, strict=True):
        same("icao24", got["icao24"], expected["icao24"])
        same("callsign", value(got["callsign"]), padded(expected["callsign"]))
        for column, field in {"firstSeen": "first_seen", "lastSeen": "last_seen"}.items():
            same(column, int(got[column].timestamp()), expected[field])
        for column, field in {"estDepartureAirport": "departure", "estArrivalAirport": "arrival"}.items():
            same(column, value(got[column]), (expected[field] or {}).get("icao"))

    # OpenSky answers 404, too, where it knows no flight.
    for call in (rest.arrival, rest.departure):
        try:
            call("LSZH", BEGIN, END)
        except httpx.HTTPStatusError as error:
            same("status", error.response.status_code, 404)
        else:
            raise AssertionError("no error")


asyncio.run(check_python_opensky())
check_pyopensky()
print("every call was answered")
