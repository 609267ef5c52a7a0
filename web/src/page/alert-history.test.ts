import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { AlertHistory } from "./alert-history.ts";

const NOW = 1_795_000_000;

let requests: string[] = [];
let answers: (() => Response | Promise<Response>)[] = [];

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000 });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", { baseURI: "http://server/" });
  vi.stubGlobal("fetch", async (address: string, { signal }: RequestInit) => {
    const { pathname, search } = new URL(address, "http://server");
    requests.push(pathname + search);
    const response = await answers.shift()?.();
    if (signal?.aborted === true || response === undefined) throw new Error("aborted");
    return response;
  });
  [requests, answers] = [[], []];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const page =
  (next_cursor: string | null, ...since: number[]) =>
  (): Response =>
    Response.json({ next_cursor, alerts: since.map((each) => ({ rule: "low", icao24: "4b1814", since: each })) });
const problem = (status: number) => (): Response =>
  new Response("{}", { status, headers: { "Content-Type": "application/problem+json" } });
const wait = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1_000);
const sinceOf = ({ alerts }: AlertHistory): number[] => alerts.map(({ since }) => since);

test("the newest alerts are read again, and older ones on request", async () => {
  const history = new AlertHistory(() => undefined);
  answers = [page("first", 9, 8), page(null, 7), page("second", 10, 9)];
  history.start(undefined);
  expect([history.state, history.hasMore]).toEqual(["loading", false]);
  await wait(0);
  expect([history.state, history.hasMore, sinceOf(history)]).toEqual(["shown", true, [9, 8]]);
  await history.readMore(undefined);
  expect([history.hasMore, sinceOf(history)]).toEqual([false, [9, 8, 7]]);
  await wait(15);
  // What was read before follows the newest ones.
  expect([history.hasMore, sinceOf(history)]).toEqual([false, [9, 8, 7, 10]]);
  expect(requests).toEqual(["/api/v1/alerts", "/api/v1/alerts?cursor=first", "/api/v1/alerts"]);
  history.stop();
  await wait(60);
  expect(requests).toHaveLength(3);
});

test("the end of an alert is read soon after it", async () => {
  const history = new AlertHistory(() => undefined);
  answers = [page(null, 9), page(null, 9)];
  history.refreshSoon();
  history.start(undefined);
  await wait(1);
  history.refreshSoon();
  await wait(2.9);
  expect(requests).toHaveLength(1);
  await wait(0.2);
  expect(requests).toHaveLength(2);
  history.stop();
  history.refreshSoon();
  await wait(60);
  expect(requests).toHaveLength(2);
});

test("a replay reads the day before its moment once", async () => {
  const history = new AlertHistory(() => undefined);
  answers = [page(null, 9)];
  history.start(NOW - 3_600.5);
  await wait(60);
  expect(requests).toEqual([`/api/v1/alerts?from=${NOW - 3_601 - 24 * 3_600}&to=${NOW - 3_600}`]);
});

test("a failure keeps what was read, and is retried", async () => {
  const history = new AlertHistory(() => undefined);
  answers = [page(null, 9), problem(500), page(null, 10)];
  history.start(undefined);
  await wait(15);
  expect([history.state, sinceOf(history)]).toEqual(["unavailable", [9]]);
  await wait(15);
  expect([history.state, sinceOf(history)]).toEqual(["shown", [9, 10]]);
  history.stop();
});

test("a server without a database is not asked again", async () => {
  const history = new AlertHistory(() => undefined);
  answers = [problem(404)];
  history.start(undefined);
  await wait(60);
  expect([history.state, requests.length]).toEqual(["absent", 1]);
});
