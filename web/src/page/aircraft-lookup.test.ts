import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { StateVector } from "../stream/index.ts";
import { AircraftLookup } from "./aircraft-lookup.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("an aircraft outside the loaded area is requested by its address, at most every five seconds", async () => {
  const requests: string[] = [];
  const state = { icao24: "a" } as StateVector;
  const answers: (() => Promise<StateVector | undefined>)[] = [
    () => Promise.resolve(state),
    () => Promise.reject(new Error("unavailable")),
    () => Promise.resolve(undefined),
  ];
  const lookup = new AircraftLookup(
    (icao24) => {
      requests.push(icao24);
      return answers.shift()?.() ?? Promise.reject(new Error("no more answers"));
    },
    () => undefined,
  );
  const wanted = async (): Promise<void> => {
    lookup.update("a");
    lookup.update("a");
    await vi.advanceTimersByTimeAsync(5_000);
  };
  expect(lookup.of("a")).toEqual({ kind: "loading" });
  await wanted();
  expect(lookup.of("a")).toEqual({ kind: "found", state });
  // A failure keeps the known state.
  await wanted();
  expect(lookup.of("a")).toEqual({ kind: "found", state });
  await wanted();
  expect(lookup.of("a")).toEqual({ kind: "absent" });
  expect(requests).toEqual(["a", "a", "a"]);
  lookup.update("b");
  await vi.advanceTimersByTimeAsync(0);
  expect([lookup.of("b"), lookup.of("a")]).toEqual([{ kind: "unavailable" }, { kind: "loading" }]);
});
