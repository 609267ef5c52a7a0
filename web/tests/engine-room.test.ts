import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ADMIN_TOKEN, launch, PATIENCE, Program, row, violations, visit, waitHeadline } from "./support.ts";

let browser: Browser;
let server: Program;
beforeAll(async () => {
  browser = await launch();
  server = await Program.showing([row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 })]);
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

async function enter(options = {}): Promise<Page> {
  const { page, complaints } = await visit(browser, `${server.url}admin`, options);
  await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByText("All at work").waitFor();
  expect(complaints).toEqual([]);
  return page;
}

test("without the token nothing is shown, and a wrong one is refused", async () => {
  const { page } = await visit(browser, `${server.url}admin`);
  await page.getByLabel("Admin token").waitFor();
  expect(await page.getByRole("article").count()).toBe(0);
  await page.getByLabel("Admin token").fill("not-the-admin-token");
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByText("this is not the admin token").waitFor();
  expect(await page.getByRole("button", { name: "Drain …" }).isVisible()).toBe(false);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await page.context().close();
});

test("with the token: every actor, what it does and what has changed; kept by the tab, and in no address", async () => {
  const asked: string[] = [];
  const page = await enter();
  page.on("request", (request) => asked.push(request.url()));
  for (const title of [
    "Poller",
    "KafkaProducer",
    "KafkaConsumer, store",
    "DbWriter",
    "KafkaConsumer, live",
    "SseHub",
  ]) {
    await page
      .getByRole("article", { name: title })
      .getByText(/^running for/)
      .waitFor();
  }
  await page.getByRole("log").getByText("running, was starting").first().waitFor();
  const memory = page.locator(".vital .figure", { hasText: "Memory" }).locator("strong");
  await expect.poll(() => memory.textContent(), { timeout: PATIENCE }).toMatch(/^[\d.]+ [MG]iB$/);
  await page.reload();
  await page.getByText("All at work").waitFor();
  expect(asked.some((url) => url.endsWith("/admin/events"))).toBe(true);
  expect(asked.filter((url) => url.includes(ADMIN_TOKEN))).toEqual([]);
  await page.getByRole("button", { name: "Leave" }).click();
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
  await page.context().close();
});

test("polling is paused and resumed, which the map says, too", async () => {
  const page = await enter();
  await page.getByRole("button", { name: "Pause polling …" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  expect(await page.getByRole("article", { name: "Poller" }).getAttribute("data-phase")).toBe("running");
  await page.getByRole("button", { name: "Pause polling …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByText("Polling is paused", { exact: true }).waitFor();
  await page.getByRole("log").getByText("ordered to pause").waitFor();
  const map = await visit(browser, server.url);
  await waitHeadline(map.page, /^Polling is paused$/);
  await page.getByRole("button", { name: "Resume polling …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByText("All at work").waitFor();
  await waitHeadline(map.page, /^Recorded traffic of 14 Nov 2023$/);
  await map.page.context().close();
  await page.context().close();
});

test("an actor is restarted", async () => {
  const page = await enter();
  const card = page.getByRole("article", { name: "DbWriter" });
  const restarts = card.locator(".facts > div", { hasText: "Restarts" }).locator("dd");
  expect(await restarts.textContent()).toBe("0");
  await card.getByRole("button", { name: "Restart DbWriter" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restart", exact: true }).click();
  await expect.poll(() => restarts.textContent(), { timeout: PATIENCE }).toBe("1");
  await page.getByRole("log").getByText("ordered to restart").waitFor();
  await card.getByText(/^running for/).waitFor();
  await page.context().close();
});

test.each([
  ["light", undefined],
  ["dark", { width: 390, height: 780 }],
] as const)("axe finds nothing to complain of, %s", async (colorScheme, viewport) => {
  const options = { colorScheme, ...(viewport !== undefined && { viewport }) };
  const outside = await visit(browser, `${server.url}admin`, options);
  await outside.page.getByLabel("Admin token").waitFor();
  expect(await violations(outside.page)).toEqual([]);
  await outside.page.context().close();
  const page = await enter(options);
  expect(await violations(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);
  await page.getByRole("button", { name: "Drain …" }).click();
  expect(await violations(page)).toEqual([]);
  await page.context().close();
});

test("a drained server is told of, and asks for nothing more", async () => {
  const page = await enter();
  await page.getByRole("button", { name: "Drain …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drain", exact: true }).click();
  await page.getByText("Drained: the server has stopped. Waiting for it to come back.").waitFor();
  await page.context().close();
});
