"""Prints each event of a stream as a line of JSON: client.py URL [LAST_EVENT_ID]"""

import json
import sys

import httpx
from httpx_sse import connect_sse

url, *last = sys.argv[1:]
headers = {"Last-Event-ID": last[0]} if last else {}
with httpx.Client(timeout=httpx.Timeout(60), trust_env=False) as client:
    with connect_sse(client, "GET", url, headers=headers) as source:
        for event in source.iter_sse():
            print(json.dumps([event.event, event.data, event.id]), flush=True)
