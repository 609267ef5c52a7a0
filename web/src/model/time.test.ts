import { afterEach, expect, test } from "vitest";

import { clock, date, dateAndClock, hourAndMinute, setZone, shortClock, zoneName } from "./time.ts";

const AT = Date.UTC(2025, 11, 28, 14, 5, 9) / 1000;

afterEach(() => {
  setZone("utc");
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

test("local times name their zone, too", () => {
  setZone("local");
  const local = new Date(AT * 1000);
  const pad = (value: number): string => String(value).padStart(2, "0");
  const time = `${pad(local.getHours())}:${pad(local.getMinutes())}:${pad(local.getSeconds())}`;
  expect(clock(AT, AT)).toBe(`${time} ${zoneName(AT)}`);
  expect(zoneName(AT)).toMatch(/^[A-Z]/);
});
