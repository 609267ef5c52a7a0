import { afterEach, expect, test } from "vitest";

import { clock, date, dateAndClock, hourAndMinute, period, setZone, shortClock, zoneName } from "./time.ts";

const AT = Date.UTC(2025, 11, 28, 14, 5, 9) / 1000;

afterEach(() => {
  setZone("utc");
});

test("a time near midnight has no date on the other side of midnight", () => {
  const midnight = Date.UTC(2026, 0, 1) / 1000;
  expect(shortClock(midnight + 1800, midnight - 1800)).toBe("00:30 UTC");
  expect(clock(midnight - 10, midnight + 10)).toBe("23:59:50 UTC");
  expect(shortClock(midnight + 43_000, midnight - 600)).toBe("1 Jan 2026, 11:56 UTC");
});

test("a time has its zone, and its date unless it is today", () => {
  expect(clock(AT, AT + 60)).toBe("14:05:09 UTC");
  expect(clock(AT, AT + 86_400)).toBe("28 Dec, 14:05:09 UTC");
  expect(clock(AT, AT + 40 * 86_400)).toBe("28 Dec 2025, 14:05:09 UTC");
  expect(clock(AT, AT - 30 * 86_400)).toBe("28 Dec, 14:05:09 UTC");
  expect([shortClock(AT, AT), shortClock(AT, AT + 86_400)]).toEqual(["14:05 UTC", "28 Dec, 14:05 UTC"]);
  expect(dateAndClock(AT, AT)).toBe("28 Dec, 14:05:09 UTC");
  expect(dateAndClock(AT, AT + 40 * 86_400)).toBe("28 Dec 2025, 14:05:09 UTC");
  expect([date(AT), hourAndMinute(AT)]).toEqual(["28 Dec 2025", "14:05"]);
  expect(hourAndMinute(AT - 14 * 3600)).toBe("00:05");
});

test("a period names its zone and its date once, and its seconds where it is short", () => {
  expect(period(AT, AT + 900, AT + 1000)).toBe("14:05 to 14:20 UTC");
  expect(period(AT, AT + 60, AT + 1000)).toBe("14:05:09 to 14:06:09 UTC");
  expect(period(AT, AT + 900, AT + 86_400)).toBe("28 Dec, 14:05 to 14:20 UTC");
  expect(period(AT, AT + 86_400, AT + 2 * 86_400)).toBe("28 Dec, 14:05 to 29 Dec, 14:05 UTC");
  // The second date is today's.
  expect(period(AT, AT + 36_000, AT + 50_000)).toBe("28 Dec, 14:05 to 00:05 UTC");
});

test("local times name their zone, too", () => {
  setZone("local");
  const local = new Date(AT * 1000);
  const pad = (value: number): string => String(value).padStart(2, "0");
  const time = `${pad(local.getHours())}:${pad(local.getMinutes())}:${pad(local.getSeconds())}`;
  expect(clock(AT, AT)).toBe(`${time} ${zoneName(AT)}`);
  expect(zoneName(AT)).toMatch(/^[A-Z]/);
});
