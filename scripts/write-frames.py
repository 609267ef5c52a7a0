#!/usr/bin/env python3
"""Writes rows as people's programs write them: pandas, Polars, and pyopensky's frames of OpenSky's Trino.

write-frames.py ROWS.ndjson

Writes frame-*, which have all fields, and trino-*, which have those of OpenSky's Trino; expected-trino.ndjson has the rows of the
latter.
"""

import json
import sys
from pathlib import Path

import pandas
import polars
import pyarrow
import pyarrow.parquet

TEXTS = ["icao24", "callsign", "origin_country", "squawk", "source"]
FLAGS = ["on_ground", "spi"]
CODES = ["position_source", "category"]
TIMES = ["time_position", "last_contact", "observed_at"]
# pyopensky's schema.py, in its order.
TRINO = {
    "time": "observed_at", "icao24": "icao24", "lat": "lat", "lon": "lon", "velocity": "velocity", "heading": "true_track",
    "vertrate": "vertical_rate", "callsign": "callsign", "onground": "on_ground", "spi": "spi", "squawk": "squawk",
    "baroaltitude": "baro_altitude", "geoaltitude": "geo_altitude", "lastposupdate": "time_position", "lastcontact": "last_contact",
}


def write_pandas(rows):
    plain = pandas.DataFrame(rows)
    # With its index, floats for whole numbers with gaps, True and False.
    plain.to_csv("frame-pandas.csv")
    plain.to_csv("frame-pandas.csv.gz", index=False, na_rep="NaN")
    plain.to_parquet("frame-pandas.parquet")
    plain.to_json("frame-pandas.ndjson", orient="records", lines=True, double_precision=15)
    times = plain.assign(**{name: pandas.to_datetime(plain[name], unit="s", utc=True) for name in TIMES})
    times.to_csv("frame-pandas-times.csv", index=False)
    times.to_parquet("frame-pandas-times.parquet")
    # Nullable types, categories, microseconds, and an index that becomes a column.
    typed = times.convert_dtypes().astype({"callsign": "category", "origin_country": "category"})
    typed = typed.astype({name: "datetime64[us, UTC]" for name in TIMES})
    typed.index = range(7, 7 + len(typed) * 2, 2)
    typed.to_parquet("frame-pandas-typed.parquet")
    typed.to_csv("frame-pandas-typed.csv")
    table = pyarrow.Table.from_pandas(plain, preserve_index=False)
    large = [field.with_type(pyarrow.large_string()) if field.name in TEXTS else field for field in table.schema]
    pyarrow.parquet.write_table(table.cast(pyarrow.schema(large)), "frame-arrow-large.parquet", compression="gzip")


def write_polars(rows):
    types = {name: polars.String for name in TEXTS} | {name: polars.Boolean for name in FLAGS}
    types |= {name: polars.Int64 for name in CODES + TIMES}
    names = list(rows[0])
    plain = polars.DataFrame(rows, schema={name: types.get(name, polars.Float64) for name in names})
    plain.write_csv("frame-polars.csv")
    plain.write_ndjson("frame-polars.ndjson")
    times = plain.with_columns(polars.from_epoch(name, "s").dt.replace_time_zone("UTC") for name in TIMES)
    times.write_csv("frame-polars-times.csv")
    times.write_ndjson("frame-polars-times.ndjson")
    times.with_columns(polars.col("origin_country").cast(polars.Categorical)).write_parquet("frame-polars-times.parquet")
    times.with_columns(polars.col(name).dt.cast_time_unit("ns") for name in TIMES).write_parquet("frame-polars-ns.parquet")


def write_trino(rows):
    frame = pandas.DataFrame({name: [row[field] for row in rows] for name, field in TRINO.items()})
    frame["callsign"] = frame["callsign"].map(lambda text: text and text.ljust(8))
    frame["alert"] = False
    # Seconds with a fraction, as OpenSky has them.
    frame["lastposupdate"] = frame["lastposupdate"].astype("float64") + 0.25
    frame["lastcontact"] = frame["lastcontact"].astype("float64") + 0.75
    frame["serials"] = [[1, -1408232560] for _ in rows]
    frame["hour"] = frame["time"].floordiv(3600).mul(3600)
    frame.to_parquet("trino-integers.parquet")
    for name in ("time", "hour"):
        frame[name] = pandas.to_datetime(frame[name], unit="s", utc=True)
    # As `Trino.query` caches it, and as `history` users save it.
    frame.to_parquet("trino-pyopensky.parquet")
    frame.to_csv("trino-pyopensky.csv", index=False)
    known = set(TRINO.values())
    expected = [{name: value if name in known else None for name, value in row.items()} for row in rows]
    lines = [json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in expected]
    Path("expected-trino.ndjson").write_text("".join(lines), encoding="utf-8")


def main():
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    write_pandas(rows)
    write_polars(rows)
    write_trino(rows)


if __name__ == "__main__":
    main()
