import { expect, test } from "vitest";

import type { ActorStatus } from "../api/types.ts";
import { buffered, files } from "./actor-card.ts";

const actor = (observation: object): ActorStatus => ({ name: "sink-archive", observation }) as unknown as ActorStatus;

test("the card of a sink that collects rows shows what is in memory and in files", () => {
  const held = { records: 12_000, oldest: 1_796_007_600, files: 7, rows: 90_000, bytes: 3 << 20, last_flush: null };
  expect(buffered(actor({ buffer: held }))).toBe("12,000 records, since 03:00:00 UTC");
  expect(files(actor({ buffer: held }))).toBe("7, 3.0 MiB");
  expect(buffered(actor({ buffer: { ...held, records: 0, oldest: null } }))).toBe("0 records");
  for (const other of [actor({ buffer: null }), actor({ records: 1 }), actor({})]) {
    expect([buffered(other), files(other)]).toEqual([undefined, undefined]);
  }
});
