#!/usr/bin/env python3
"""Compares exported Parquet files with the same rows as NDJSON, as DuckDB and Polars read them.

check-parquet.py ROWS.ndjson DECIMAL.parquet DOUBLE.parquet

Checks types, values, unknown values, the order, statistics and a filter by aircraft, and writes the rows again with each program
into rewritten-*.parquet.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import polars

TEXTS = ["icao24", "callsign", "origin_country", "squawk", "source"]
DEGREES = ["lat", "lon"]
NUMBERS = [*DEGREES, "velocity", "true_track", "vertical_rate", "baro_altitude", "geo_altitude"]
FLAGS = ["on_ground", "spi"]
CODES = ["position_source", "category"]
TIMES = ["time_position", "last_contact", "observed_at"]


def types(of_numbers, text, flag, code, time):
    """The type of each column, by name."""
    return {
        **dict.fromkeys(TEXTS, text),
        **of_numbers,
        **dict.fromkeys(FLAGS, flag),
        **dict.fromkeys(CODES, code),
        **dict.fromkeys(TIMES, time),
    }


def exact(row):
    """The row with its numbers as decimals, so that the comparison is one of digits."""
    return {name: Decimal(repr(value)) if name in NUMBERS and value is not None else value for name, value in row.items()}


def check(what, read, expected):
    if read != expected:
        for index, (one, other) in enumerate(zip(read, expected)):
            if one != other:
                sys.exit(f"{what}: row {index} is {one} instead of {other}")
        sys.exit(f"{what}: {len(read)} instead of {len(expected)}")


def check_duckdb(file, expected, decimals):
    numbers = {name: f"DECIMAL(9,{6 if name in DEGREES else 2})" if decimals else "DOUBLE" for name in NUMBERS}
    described = duckdb.sql(f"DESCRIBE FROM '{file}'").fetchall()
    names = [column[0] for column in described]
    check(f"DuckDB, types of {file}", {column[0]: str(column[1]) for column in described},
          types(numbers, "VARCHAR", "BOOLEAN", "SMALLINT", "TIMESTAMP WITH TIME ZONE"))
    # As seconds, since DuckDB needs another package to return times with a zone.
    seconds = ", ".join(f"epoch({name})::BIGINT AS {name}" for name in TIMES)

    def rows(condition):
        query = duckdb.sql(f"SELECT * REPLACE ({seconds}) FROM '{file}' WHERE {condition}")
        return [dict(zip(names, row)) for row in query.fetchall()]

    check(f"DuckDB, {file}", rows("true"), expected)
    one = expected[len(expected) // 2]["icao24"]
    check(f"DuckDB, one aircraft of {file}", rows(f"icao24 = '{one}'"), [row for row in expected if row["icao24"] == one])
    statistics = duckdb.sql(
        f"SELECT stats_min_value, stats_max_value FROM parquet_metadata('{file}') WHERE path_in_schema = 'icao24'"
    ).fetchall()
    check(f"DuckDB, statistics of {file}", statistics, [(expected[0]["icao24"], expected[-1]["icao24"])])
    duckdb.sql(f"COPY (FROM '{file}') TO 'rewritten-duckdb-{file}' (FORMAT parquet)")


def check_polars(file, expected, decimals):
    table = polars.read_parquet(file)
    numbers = {name: polars.Decimal(9, 6 if name in DEGREES else 2) if decimals else polars.Float64 for name in NUMBERS}
    time = polars.Datetime("ms", "UTC")
    check(f"Polars, types of {file}", dict(table.schema), types(numbers, polars.String, polars.Boolean, polars.Int16, time))
    seconds = [polars.col(name).dt.epoch("s") for name in TIMES]
    check(f"Polars, {file}", table.with_columns(seconds).rows(named=True), expected)
    one = expected[len(expected) // 2]["icao24"]
    rows = polars.scan_parquet(file).filter(polars.col("icao24") == one).with_columns(seconds).collect().rows(named=True)
    check(f"Polars, one aircraft of {file}", rows, [row for row in expected if row["icao24"] == one])
    table.write_parquet(f"rewritten-polars-{file}")


def main():
    lines, decimal, double = sys.argv[1:]
    rows = [json.loads(line) for line in Path(lines).read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: (row["icao24"], row["last_contact"]))
    for file, expected, decimals in [(decimal, [exact(row) for row in rows], True), (double, rows, False)]:
        check_duckdb(file, expected, decimals)
        check_polars(file, expected, decimals)
    # Wide decimals, which DuckDB writes as byte arrays.
    wide = ", ".join(f"{name}::DECIMAL(38,10) AS {name}" for name in NUMBERS)
    duckdb.sql(f"COPY (SELECT * REPLACE ({wide}) FROM '{decimal}') TO 'rewritten-wide.parquet' (FORMAT parquet)")


if __name__ == "__main__":
    main()
