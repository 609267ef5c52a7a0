#!/usr/bin/env python3
"""Reads state vectors from Kafka; needs `pip install confluent-kafka`."""

import argparse
import json

from confluent_kafka import Consumer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap-servers", default="localhost:9092")
    parser.add_argument("--topic", default="telemetry.raw")
    parser.add_argument("--group", default="python-example", help="the consumer group, which no other program may use")
    parser.add_argument("--records", type=int, help="stop after this many records")
    arguments = parser.parse_args()

    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap_servers,
            "group.id": arguments.group,
            "auto.offset.reset": "latest",
        }
    )
    consumer.subscribe([arguments.topic])
    count = 0
    try:
        while arguments.records is None or count < arguments.records:
            record = consumer.poll(timeout=1)
            if record is None:
                continue
            if record.error():
                raise SystemExit(f"failed to read {arguments.topic}: {record.error()}")
            # The key is the ICAO address; unknown values are null.
            state = json.loads(record.value())
            print(record.partition(), record.offset(), state["icao24"], state["callsign"], state["lat"], state["lon"])
            count += 1
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
