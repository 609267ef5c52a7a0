// The page with several sources, some of which fail.

import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";

import {
  field,
  forTest,
  freePort,
  listRow,
  openReplay,
  PATIENCE,
  pause,
  Program,
  row,
  seekReplay,
  selectInList,
  share,
  signIn,
  violations,
  visit,
  waitAircraft,
  waitHeadline,
  waitStored,
} from "./support.ts";
import type { Row } from "./support.ts";

/** A folder with a recorded response, which plays in a loop. */
function recording(rows: readonly Row[]): { readonly folder: string; readonly file: string } {
  const folder = mkdtempSync(join(tmpdir(), "flight-monitor-recording-"));
  const file = join(folder, "states.json");
  writeFileSync(file, JSON.stringify({ time: 1_700_000_000, states: rows }));
  return { folder, file };
}

const meadow = recording([
  row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5 }),
  row({ icao24: "4b1815", callsign: "SWR456", lat: 48, lon: 9.5 }),
]);
const roof = recording([row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: 50, lon: 9.5 })]);

const shared = share(async () => {
  const server = await Program.serve([], {
    OPENSKY_ENABLED: "false",
    SOURCES_MEADOW_KIND: "recorded",
    SOURCES_MEADOW_URL: meadow.folder,
    SOURCES_ROOF_KIND: "recorded",
    SOURCES_ROOF_URL: roof.folder,
  });
  await waitStored(server);
  return server;
});

const RECORDED = /^Recorded traffic of 14 Nov 2023$/;

function source(page: Page, name: string): ReturnType<Page["locator"]> {
  return page.getByRole("list", { name: "Sources" }).getByRole("listitem").filter({ hasText: name });
}

test("the status lists each source, and an aircraft shows the one that reported it", async () => {
  const { page, complaints } = await visit(shared.browser, `${shared.server.url}#view=5/48/9`);
  await waitAircraft(page, /^3 aircraft$/);
  await waitHeadline(page, RECORDED);
  await page.locator(".status").click();
  await source(page, "meadow").getByText("2 aircraft").waitFor();
  await source(page, "roof").getByText("1 aircraft").waitFor();
  await source(page, "roof")
    .getByText(/^Live · last answer .* ago/)
    .waitFor();
  expect(await violations(page)).toEqual([]);
  await page.locator(".status").click();
  await selectInList(page, "DLH45K");
  expect(await field(page, "Reported by").textContent()).toBe("roof");
  await page.getByText("Flights: meadow, roof").waitFor();
  await page.getByRole("button", { name: "Filters", exact: true }).click();
  await page.getByRole("combobox", { name: "Reported by" }).selectOption("meadow");
  await page.getByRole("button", { name: "Remove filter: Reported by meadow" }).waitFor();
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toMatch(/source=meadow/);
  await page.getByRole("button", { name: "Close the details" }).click();
  await waitAircraft(page, /^2 of 3 aircraft$/);
  expect(await violations(page)).toEqual([]);
  expect(complaints).toEqual([]);
});

test("a source that fails is named until it recovers, and the aircraft of the other one stay", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=5/48/9`);
  await waitHeadline(page, RECORDED);
  const [hidden, hiddenMeadow] = [`${roof.file}.hidden`, `${meadow.file}.hidden`];
  renameSync(roof.file, hidden);
  await waitHeadline(page, /^Recorded traffic of 14 Nov 2023, without roof$/);
  await page.locator(".status").click();
  await page
    .getByText(/^roof has .* since \d\d:\d\d:\d\d UTC; aircraft from meadow are shown\. /)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "List" }).click();
  await listRow(page, "SWR123").waitFor();
  renameSync(meadow.file, hiddenMeadow);
  await waitHeadline(page, /all sources|All sources/);
  expect(await violations(page)).toEqual([]);
  renameSync(hidden, roof.file);
  renameSync(hiddenMeadow, meadow.file);
  await waitHeadline(page, RECORDED);
});

test.each([320, 390, 768, 1280])("a headline that names a source fits at a width of %i", async (width) => {
  const { page } = await visit(
    shared.browser,
    shared.server.url,
    { viewport: { width, height: 800 } },
    async (blank) => {
      await blank.route(/\/api\/v1\/status$/, async (route) => {
        const response = await route.fetch();
        const status = (await response.json()) as { sources: object[] };
        const [one, ...others] = status.sources;
        const failed = { ...one, name: "receiver-on-the-roof", state: "unavailable" };
        const json = { ...status, demonstration: false, traffic: "live", sources: [failed, ...others] };
        await route.fulfill({ response, json });
      });
    },
  );
  await waitHeadline(page, /^Live, without receiver-on-the-roof$/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);
  const outside = await page.evaluate(() => {
    const bar = document.querySelector(".bar")?.getBoundingClientRect() ?? new DOMRect();
    return [...document.querySelectorAll(".bar :is(h1, input, button, .headline)")]
      .filter((part) => {
        const { top, bottom, right } = part.getBoundingClientRect();
        return top < bar.top || bottom > bar.bottom || right > bar.right;
      })
      .map((part) => part.textContent);
  });
  expect(outside).toEqual([]);
  await page.locator(".status").click();
  await source(page, "receiver-on-the-roof").waitFor();
  const panel = await page.locator(".explanation").boundingBox();
  expect(panel?.x).toBeGreaterThanOrEqual(0);
});

test("the admin dashboard has a Poller for each source, in the order of the data flow", async () => {
  const { page, complaints } = await visit(shared.browser, `${shared.server.url}admin`);
  await signIn(page);
  const titles = page.locator(".pipeline h2");
  await expect.poll(() => titles.count(), { timeout: PATIENCE }).toBeGreaterThanOrEqual(8);
  expect((await titles.allTextContents()).slice(0, 4)).toEqual([
    "Poller, meadow",
    "Poller, roof",
    "Merger",
    "KafkaProducer",
  ]);
  await page.getByRole("article", { name: "Poller, roof" }).getByText("polls roof (recorded)").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Restart Poller, roof" }).click();
  await page.getByText("Queued messages are kept; nothing is lost. This polls roof at once.").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Pause polling …" }).click();
  await page.getByText(/^No source is polled until you resume/).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByText("Polling is paused", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Resume polling …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByText("All running").waitFor();
  expect(complaints).toEqual([]);
});

test("a replay shows where no data was collected", async () => {
  const now = Math.floor(Date.now() / 1000);
  const gap = { from: now - 3000, to: now - 1800 };
  const { page, complaints } = await visit(shared.browser, shared.server.url, {}, (blank) =>
    blank.route(/\/api\/v1\/coverage/, async (route) => {
      const { searchParams } = new URL(route.request().url());
      const [from, to] = [Number(searchParams.get("from")), Number(searchParams.get("to"))];
      await route.fulfill({ json: { from, to, resolution: 1, gaps: [gap], sources: [] } });
    }),
  );
  await waitAircraft(page, /^3 aircraft$/);
  await openReplay(page);
  await pause(page);
  await expect.poll(() => page.locator(".gaps span").count(), { timeout: PATIENCE }).toBe(1);
  await seekReplay(page, 2400);
  await waitHeadline(page, /^Replay, no data$/);
  await page
    .locator(".empty")
    .getByText(/^No data was collected from .* to .* UTC\.$/)
    .waitFor();
  await page
    .locator(".replay-bar .note")
    .getByText(/^No data was collected from /)
    .waitFor();
  expect(await page.getByLabel("Replay time").getAttribute("aria-valuetext")).toMatch(/ ago, no data$/);
  expect(await violations(page)).toEqual([]);
  await seekReplay(page, 1200);
  await page.getByText("No recorded traffic here at this time.").waitFor();
  await page.getByRole("region", { name: "Replay" }).getByRole("button", { name: "Live" }).click();
  await waitHeadline(page, RECORDED);
  expect(complaints).toEqual([]);
});

test("a replay of a server without coverage shows no gaps", async () => {
  let requests = 0;
  const { page, complaints } = await visit(shared.browser, shared.server.url, {}, (blank) =>
    blank.route(/\/api\/v1\/coverage/, async (route) => {
      requests += 1;
      await route.fulfill({ status: 404, contentType: "text/plain", body: "not found" });
    }),
  );
  await waitAircraft(page, /^3 aircraft$/);
  await openReplay(page);
  await seekReplay(page, 3000);
  await page.getByText("No recorded traffic here at this time.").waitFor();
  await page.getByRole("combobox", { name: "Range" }).selectOption("last day");
  expect(await page.locator(".gaps span").count()).toBe(0);
  expect([requests, complaints]).toEqual([1, []]);
});

test("the picture is live while one of two live sources is", async () => {
  const [first, second] = [await simulator(), await simulator()];
  const server = await forTest(
    Program.serve([], {
      OPENSKY_BASE_URL: `${first.url}api`,
      OPENSKY_AUTH_URL: `${first.url}auth/realms/opensky-network/protocol/openid-connect/token`,
      OPENSKY_CLIENT_ID: "tests",
      OPENSKY_CLIENT_SECRET: "tests-secret",
      OPENSKY_POLL_INTERVAL: "5s",
      SOURCES_ROOF_KIND: "opensky",
      SOURCES_ROOF_URL: `${second.url}api`,
      SOURCES_ROOF_INTERVAL: "10s",
    }),
  );
  const { page } = await visit(shared.browser, server.url);
  await waitHeadline(page, /^Live$/);
  await second.program.kill();
  await waitHeadline(page, /^Live, without roof$/);
  await first.program.kill();
  await waitHeadline(page, /^All sources unreachable$/);
  await second.program.start();
  await waitHeadline(page, /^Live, without OpenSky$/);
});

/** A simulated OpenSky, and its address. */
async function simulator(): Promise<{ readonly program: Program; readonly url: string }> {
  const port = await freePort();
  const program = new Program(["simulate", "--address", `127.0.0.1:${port}`, "--aircraft", "50"], {});
  onTestFinished(() => program.remove());
  await program.start();
  return { program, url: `http://127.0.0.1:${port}/` };
}
