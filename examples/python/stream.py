#!/usr/bin/env python3
"""Follows the live picture of /api/v1/stream, as docs/stream.md specifies it."""

import argparse
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request

# Scale of each column of scaled integers.
SCALES = {
    "lat": 1e-4,
    "lon": 1e-4,
    "baro_altitude": 1,
    "geo_altitude": 1,
    "velocity": 0.1,
    "vertical_rate": 0.1,
    "true_track": 0.1,
}
LISTS = {"origin_country": "countries", "source": "sources"}
NOT_COLUMNS = {"n", "wrap", *LISTS.values()}
# Three heartbeats.
SILENCE = 45


class Desynchronised(Exception):
    """The client missed something and must start from a new snapshot."""


def differences(values):
    """Ascending numbers, written as differences."""
    total = 0
    for value in values:
        total += value
        yield total


def column(form, length):
    """The rows of a column and their values, for each of its three forms."""
    if isinstance(form, list):
        return zip(range(length), form)
    if isinstance(form, dict):
        rows = list(differences(form["rows"]))
        values = form["values"]
        return zip(rows, values if isinstance(values, list) else [values] * len(rows))
    return ((row, form) for row in range(length))


def unwrapped(sent, held, wrap):
    """The value nearest to the held one, of all with this remainder."""
    half = wrap // 2
    return held - half + (sent - held + half) % wrap


class Picture:
    """Every aircraft by its number, with the raw values of its columns, and the active alerts."""

    def __init__(self):
        self.forget()

    def forget(self):
        self.epoch = self.seq = self.last_id = self.observed_at = None
        self.aircraft, self.alerts = {}, []

    def apply(self, event, data, event_id):
        """Applies an event; true if the picture is now complete."""
        if event == "snapshot":
            self.last_id = None
            if data["epoch"] != self.epoch:
                self.forget()
                self.epoch = data["epoch"]
            self.remove_cells(lambda cell: cell == data["cell"])
            self.add(data["aircraft"], data)
            return False
        if data["epoch"] != self.epoch:
            raise Desynchronised(f"{event} of another epoch")
        if event == "delta":
            for number in differences(data.get("gone", [])):
                if self.aircraft.get(number, {}).get("cell") == data["cell"]:
                    del self.aircraft[number]
            self.add(data.get("appeared", {"n": []}), data)
            self.change(data.get("changed", {"n": []}), data)
        elif event == "alert":
            self.alerts = data["alerts"]
        elif event == "current":
            if data["after"] is not None and data["after"] != self.seq:
                raise Desynchronised(f"an update between {self.seq} and {data['after']} is missing")
            if "cells" in data:
                self.remove_cells(lambda cell: cell not in data["cells"])
            self.seq, self.last_id, self.observed_at = data["seq"], event_id, data["observed_at"]
            return True
        return False

    def remove_cells(self, is_removed):
        self.aircraft = {n: held for n, held in self.aircraft.items() if not is_removed(held["cell"])}

    def add(self, table, event):
        numbers = list(differences(table["n"]))
        for number in numbers:
            self.aircraft[number] = {"cell": event["cell"]}
        self.set_columns(table, numbers, event)

    def change(self, table, event):
        numbers = list(differences(table["n"]))
        if any(number not in self.aircraft for number in numbers):
            raise Desynchronised("a change of an unknown aircraft")
        self.set_columns(table, numbers, event)

    def set_columns(self, table, numbers, event):
        wraps = table.get("wrap", {})
        # `time_position` is relative to the `last_contact` of its row, so that one comes first.
        for name in sorted(table.keys() - NOT_COLUMNS, key=lambda name: name != "last_contact"):
            for row, value in column(table[name], len(numbers)):
                held = self.aircraft[numbers[row]]
                if value is None:
                    pass
                elif name in LISTS:
                    value = table[LISTS[name]][value]
                elif name in ("last_contact", "observed_at"):
                    value = event["base"] - value
                elif name == "time_position":
                    value = held["last_contact"] - value
                elif name in wraps:
                    value = unwrapped(value, held[name], wraps[name])
                held[name] = value

    def states(self):
        """The aircraft in plain units; a missing or null member is unknown."""
        for held in self.aircraft.values():
            yield {
                name: round(value * SCALES[name], 4) if name in SCALES and value is not None else value
                for name, value in held.items()
                if name != "cell"
            }


def events(response, retry):
    """The events of a stream as (name, data, id); notes the delay before reconnecting in `retry`."""
    name, data, event_id = None, None, None
    for line in response:
        line = line.decode().rstrip("\r\n")
        if not line:
            if data is not None:
                yield name, data, event_id
            name, data, event_id = None, None, None
            continue
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data = json.loads(value)
        elif field == "id":
            event_id = value
        elif field == "retry":
            retry["seconds"] = int(value) / 1000


def follow(url):
    """Yields the picture whenever it is complete, for ever."""
    picture, retry = Picture(), {"seconds": 1}
    while True:
        headers = {"Last-Event-ID": picture.last_id} if picture.last_id else {}
        try:
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=SILENCE) as response:
                for event in events(response, retry):
                    if picture.apply(*event):
                        yield picture
        except Desynchronised:
            picture.forget()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"the server rejected the request: {error.read().decode()}") from error
        except (OSError, http.client.HTTPException) as error:
            print(f"disconnected: {error}", flush=True)
        time.sleep(retry["seconds"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="http://127.0.0.1:8081", help="address of the server")
    parser.add_argument("--bbox", help="lamin,lomin,lamax,lomax in degrees")
    parser.add_argument("--icao24", help="ICAO addresses, separated by commas")
    parser.add_argument("--pictures", type=int, help="stop after this many complete pictures")
    arguments = parser.parse_args()

    query = {name: value for name in ("bbox", "icao24") if (value := getattr(arguments, name))}
    url = f"{arguments.server}/api/v1/stream?{urllib.parse.urlencode(query)}"
    for count, picture in enumerate(follow(url), start=1):
        states = list(picture.states())
        airborne = sum(state.get("on_ground") == 0 for state in states)
        highest = max(states, key=lambda state: state.get("baro_altitude") or 0, default={})
        print(
            f"{len(states)} aircraft, {airborne} airborne, {len(picture.alerts)} alerts; "
            f"highest: {highest.get('callsign')} at {highest.get('baro_altitude')} m",
            flush=True,
        )
        if count == arguments.pictures:
            break


if __name__ == "__main__":
    main()
