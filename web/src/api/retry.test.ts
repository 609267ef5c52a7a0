import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { fetchWithRetry, retryAfter } from "./retry.ts";

const NOW = 1_795_000_000_000;
const busy = (after?: string, status = 503): Response =>
  new Response("busy", { status, headers: after === undefined ? {} : { "Retry-After": after } });

let answers: Response[] = [];
let requests = 0;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  [answers, requests] = [[], 0];
  vi.stubGlobal("fetch", () => {
    requests += 1;
    return Promise.resolve(answers.shift() ?? new Response("rows"));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a request to a busy server is repeated after Retry-After, not before", async () => {
  answers = [busy("5"), busy("7")];
  const answer = fetchWithRetry("/api/v1/history", { timeout: 60_000 });
  await vi.advanceTimersByTimeAsync(4_999);
  expect(requests).toBe(1);
  await vi.advanceTimersByTimeAsync(1 + 6_999);
  expect(requests).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  expect([requests, (await answer).status]).toEqual([3, 200]);
});

test("a request is given up after five attempts", async () => {
  answers = Array.from({ length: 20 }, () => busy("5"));
  const answer = fetchWithRetry("/api/v1/history");
  await vi.advanceTimersByTimeAsync(60_000);
  expect([requests, (await answer).status]).toEqual([5, 503]);
});

test("other answers are returned immediately", async () => {
  for (const answer of [busy(), busy("5", 404), busy("soon")]) {
    answers = [answer];
    expect(await fetchWithRetry("/api/v1/history")).toBe(answer);
  }
  expect(requests).toBe(3);
});

test("a request aborted during the pause is not repeated", async () => {
  answers = [busy("5")];
  const leaving = new AbortController();
  const answer = fetchWithRetry("/api/v1/history", { signal: leaving.signal });
  const failed = expect(answer).rejects.toThrow();
  await vi.advanceTimersByTimeAsync(1_000);
  leaving.abort();
  await failed;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests).toBe(1);
});

test.each([
  ["0", 1_000],
  ["5", 5_000],
  ["3600", 30_000],
  [new Date(NOW + 8_000).toUTCString(), 8_000],
  [new Date(NOW - 8_000).toUTCString(), 1_000],
  ["soon", undefined],
])("Retry-After: %s means %s ms", (value, expected) => {
  expect(retryAfter(busy(value))).toBe(expected);
});
