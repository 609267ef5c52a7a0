import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { StateVector } from "../stream/index.ts";
import { Elsewhere } from "./elsewhere.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("an aircraft out of the loaded area is asked for by address, at most every five seconds", async () => {
  const asked: string[] = [];
  const state = { icao24: "a" } as StateVector;
  const answers: (() => Promise<StateVector | undefined>)[] = [
    () => Promise.resolve(state),
    () => Promise.reject(new Error("unavailable")),
    () => Promise.resolve(undefined),
  ];
  const elsewhere = new Elsewhere(
    (icao24) => {
      asked.push(icao24);
      return answers.shift()?.() ?? Promise.reject(new Error("no more answers"));
    },
    () => undefined,
  );
  const wanted = async (): Promise<void> => {
    elsewhere.want("a");
    elsewhere.want("a");
    await vi.advanceTimersByTimeAsync(5_000);
  };
  expect(elsewhere.of("a")).toEqual({ kind: "loading" });
  await wanted();
  expect(elsewhere.of("a")).toEqual({ kind: "found", state });
  // A failure leaves what is known.
  await wanted();
  expect(elsewhere.of("a")).toEqual({ kind: "found", state });
  await wanted();
  expect(elsewhere.of("a")).toEqual({ kind: "absent" });
  expect(asked).toEqual(["a", "a", "a"]);
  elsewhere.want("b");
  await vi.advanceTimersByTimeAsync(0);
  expect([elsewhere.of("b"), elsewhere.of("a")]).toEqual([{ kind: "unavailable" }, { kind: "loading" }]);
});
