#!/usr/bin/env python3
"""Kills archiving processes at random moments under load, and compares the archive with the topic.

check-archive.py PROGRAM KILLS [SEED]

Needs TEST_KAFKA. One process polls a simulated sky and publishes; two archive. Each kill is a SIGKILL of one of the archiving
processes, after a random time, followed by a new process; some hit a compaction that runs meanwhile. In the end DuckDB reads the
files, and a consumer of its own the topic: the same rows, to the last digit, each in one file, whose rows are sorted.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
from confluent_kafka import Consumer, TopicPartition

TIMES = ["time_position", "last_contact", "observed_at"]
PARTITIONS = 6
TOPIC = f"check-archive-{os.getpid()}"
SETTINGS = {
    "KAFKA_BOOTSTRAP_SERVERS": os.environ["TEST_KAFKA"],
    "KAFKA_TOPIC_RAW": TOPIC,
    "KAFKA_TOPIC_DEAD_LETTER": f"{TOPIC}.dead-letter",
    "KAFKA_TOPIC_ALERTS": f"{TOPIC}.alerts",
    "KAFKA_TOPIC_POLLS": f"{TOPIC}.polls",
    "KAFKA_GROUP_ID": TOPIC,
    "KAFKA_PARTITIONS": str(PARTITIONS),
    "ADMIN_TOKEN": "token-of-the-check",
    "HTTP_PORT": "0",
    "ARCHIVE_URL": "archive",
    "ARCHIVE_MAX_DELAY": "1s",
    "RUST_LOG": "warn,flight_monitor=info",
}


class Process:
    """A running program, whose log is a file."""

    def __init__(self, program, folder, name, arguments, **settings):
        self.log = folder / f"{name}.log"
        with self.log.open("w") as log:
            self.child = subprocess.Popen(
                [program, *arguments], cwd=folder, env={**SETTINGS, **settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def address(self):
        return self.wait_for("  open      ").split("://")[1].rstrip("/")

    def wait_for(self, text):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.child.poll() is None:
            for line in self.log.read_text().splitlines():
                if text in line:
                    return line
            time.sleep(0.05)
        sys.exit(f"{self.log.name}: no {text!r} in\n{self.log.read_text()}")

    def samples(self, name):
        # Behind no proxy.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.address()}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"flight_monitor_{name}")]

    def end(self, how):
        self.child.send_signal(how)
        return self.child.wait(60)


def canonical(row):
    """The row as text, with each number as its digits."""
    digits = lambda value: str(value.normalize() + 0) if isinstance(value, Decimal) else value
    return json.dumps({name: digits(value) for name, value in sorted(row.items())})


def number(text):
    return Decimal(text)


def topic_rows():
    consumer = Consumer({"bootstrap.servers": SETTINGS["KAFKA_BOOTSTRAP_SERVERS"], "group.id": f"{TOPIC}-check"})
    partitions = [TopicPartition(TOPIC, index, 0) for index in range(PARTITIONS)]
    ends = {one.partition: consumer.get_watermark_offsets(one, timeout=10)[1] for one in partitions}
    consumer.assign(partitions)
    rows, left = Counter(), sum(ends.values())
    while left > 0:
        for message in consumer.consume(1000, timeout=10):
            row = json.loads(message.value(), parse_float=number)
            for name, value in row.items():
                if name in NUMBERS and value is not None:
                    row[name] = Decimal(value)
            rows[canonical(row)] += 1
            left -= 1
    consumer.close()
    return rows


NUMBERS = ["lat", "lon", "velocity", "true_track", "vertical_rate", "baro_altitude", "geo_altitude"]


def archived_rows(folder):
    seconds = ", ".join(f"epoch({name})::BIGINT AS {name}" for name in TIMES)
    rows = Counter()
    for file in sorted((folder / "archive").glob("date=*/hour=*/*.parquet")):
        table = duckdb.sql(f"SELECT * REPLACE ({seconds}) FROM read_parquet('{file}', hive_partitioning = false)")
        names, found = table.columns, table.fetchall()
        key = [names.index("icao24"), names.index("last_contact")]
        keys = [tuple(row[index] for index in key) for row in found]
        if keys != sorted(keys):
            sys.exit(f"{file} is not sorted")
        hours = {time.strftime("date=%Y-%m-%d/hour=%H", time.gmtime(at)) for _, at in keys}
        if hours != {str(file.parent.relative_to(folder / "archive"))}:
            sys.exit(f"{file} has rows of {hours}")
        rows.update(canonical(dict(zip(names, row))) for row in found)
    return rows


def compare(folder):
    expected, found = topic_rows(), archived_rows(folder)
    if expected != found:
        lost, more = expected - found, found - expected
        for what, rows in [("missing", lost), ("too often", more)]:
            print(f"{what}: {rows.total()}, for example {next(iter(rows), None)}", file=sys.stderr)
        sys.exit(1)
    return expected.total()


def main():
    program, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    chance = random.Random(seed)
    print(f"archive: {kills} kills, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="check-archive-"))
    source = ["serve", "--demo", "--roles", "collect", "--demo-aircraft", "5000"]
    collect = Process(program, folder, "collect", source, FAILPOINTS="poll-pause=return(300)")
    collect.address()
    started = 0

    def archiver():
        nonlocal started
        started += 1
        return Process(program, folder, f"archive-{started}", ["serve", "--roles", "archive"])

    def compaction():
        nonlocal started
        started += 1
        return Process(program, folder, f"compact-{started}", ["archive", "compact", "--recent"])

    archivers = [archiver(), archiver()]
    for one in archivers:
        one.address()
    for kill in range(kills):
        victim = chance.randrange(2)
        compacting = compaction() if chance.random() < 0.3 else None
        # Mostly around a flush, which comes a second after the process has got partitions; sometimes during the rebalance.
        deadline = time.monotonic() + (30 if chance.random() < 0.75 else 0)
        while time.monotonic() < deadline and not archivers[victim].samples("consumer_lag_records"):
            time.sleep(0.1)
        time.sleep(chance.uniform(0, 4))
        if compacting is not None:
            compacting.child.kill()
            compacting.child.wait(60)
        if archivers[victim].child.poll() is not None:
            sys.exit(f"an archiving process ended by itself:\n{archivers[victim].log.read_text()}")
        archivers[victim].end(signal.SIGKILL)
        archivers[victim] = archiver()
        if (kill + 1) % 10 == 0:
            print(f"archive: {kill + 1} kills", flush=True)
    if collect.end(signal.SIGTERM) != 0:
        sys.exit(f"the collecting process failed:\n{collect.log.read_text()}")
    deadline = time.monotonic() + 120

    def is_done():
        # The partitions of a killed process are assigned again after six seconds.
        lags = [lag for one in archivers for lag in one.samples("consumer_lag_records")]
        buffered = [records for one in archivers for records in one.samples("sink_buffered_records")]
        return len(lags) == PARTITIONS and not any(lags) and not any(buffered)

    while not is_done():
        if time.monotonic() > deadline:
            sys.exit(f"the archive is still behind, see {folder}")
        time.sleep(0.5)
    for one in archivers:
        if one.end(signal.SIGTERM) != 0:
            sys.exit(f"an archiving process failed to stop:\n{one.log.read_text()}")
    rows = compare(folder)
    files = len(list((folder / "archive").glob("date=*/hour=*/*.parquet")))
    last = compaction()
    if last.child.wait(300) != 0:
        sys.exit(f"the last compaction failed:\n{last.log.read_text()}")
    compare(folder)
    print(f"archive: each of {rows} records is there once after {kills} kills, in {files} files, and after compaction")


if __name__ == "__main__":
    main()
