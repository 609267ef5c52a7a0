// Streams written by the server's encoder, and the picture that they lead to.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { Picture } from "./picture.ts";
import { EventParser } from "./sse.ts";
import type { StateVector } from "./state.ts";

const folder = fileURLToPath(new URL("../../../tests/data/stream/", import.meta.url));
const names = readdirSync(folder).flatMap((file) => (file.endsWith(".sse") ? [file.slice(0, -4)] : []));

const SCALES: Partial<Record<keyof StateVector, number>> = {
  lat: 10_000,
  lon: 10_000,
  velocity: 10,
  vertical_rate: 10,
  true_track: 10,
};

/** An aircraft as in the files: integers, without unknown fields. */
function written(state: StateVector): object {
  const known = Object.entries(state).filter(([, value]) => value !== null);
  return Object.fromEntries(
    known.map(([name, value]) => {
      if (typeof value === "boolean") return [name, Number(value)];
      const scale = SCALES[name as keyof StateVector] ?? 1;
      return [name, typeof value === "number" ? Math.round(value * scale) : value];
    }),
  );
}

test("there are streams of every kind", () => {
  expect(names).toEqual(expect.arrayContaining(["world", "box", "aircraft", "resumed", "fallen-behind", "empty"]));
});

test.each(names)("%s", (name) => {
  const expected = JSON.parse(readFileSync(`${folder}${name}.json`, "utf8")) as {
    held: Record<string, { icao24: string }>;
    alerts: unknown[];
    seq: number;
    last_event_id: string;
  };
  const picture = new Picture();
  let id = "";
  // In pieces, as from a network.
  const pieces = readFileSync(`${folder}${name}.sse`, "utf8").match(/[^]{1,700}/g) ?? [];
  const parser = new EventParser();
  for (const piece of pieces) {
    for (const { event, data, lastEventId } of parser.push(piece)) {
      if (picture.apply(event, data) === "complete") id = lastEventId;
    }
  }
  const byAddress = (a: { icao24: string }, b: { icao24: string }): number => a.icao24.localeCompare(b.icao24);
  const held = [...picture.aircraft()].sort(byAddress).map(written);
  expect(held).toEqual(Object.values(expected.held).sort(byAddress));
  expect(picture.alerts).toEqual(expected.alerts);
  expect([picture.seq, id]).toEqual([expected.seq, expected.last_event_id]);
});
