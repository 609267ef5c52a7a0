import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";

import { ADMIN_TOKEN, PATIENCE, Program, row, share, signIn, violations, visit, waitHeadline } from "./support.ts";

/** A webhook that responds with this status. */
const hook = { status: 204, received: 0 };
const hookServer = createServer((_, response) => {
  hook.received += 1;
  response.writeHead(hook.status).end();
});

const shared = share(async () => {
  await new Promise<void>((resolve) => hookServer.listen(0, "127.0.0.1", resolve));
  const { port } = hookServer.address() as AddressInfo;
  return Program.showing([row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 })], {
    NOTIFY_PHONE_KIND: "webhook",
    NOTIFY_PHONE_URL: `http://127.0.0.1:${port}/`,
    NOTIFY_PHONE_ALLOW_PRIVATE: "true",
  });
});

afterAll(() => {
  hookServer.close();
});

async function open(options = {}): Promise<Page> {
  const { page, complaints } = await visit(shared.browser, `${shared.server.url}admin`, options);
  await signIn(page);
  expect(complaints).toEqual([]);
  return page;
}

test("without the token nothing is shown, and a wrong token is refused", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}admin`);
  await page.getByLabel("Admin token").waitFor();
  expect(await page.getByRole("article").count()).toBe(0);
  await page.getByLabel("Admin token").fill("not-the-admin-token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("wrong admin token").waitFor();
  expect(await page.getByRole("button", { name: "Drain …" }).isVisible()).toBe(false);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test("the token shows every actor and the event log; the tab keeps it, and no address has it", async () => {
  const requests: string[] = [];
  const page = await open();
  page.on("request", (request) => requests.push(request.url()));
  for (const title of [
    "Poller",
    "Merger",
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
  await page.getByRole("log").getByText("starting → running").first().waitFor();
  const memory = page.locator(".vital .figure", { hasText: "Memory" }).locator("strong");
  await expect.poll(() => memory.textContent(), { timeout: PATIENCE }).toMatch(/^[\d.]+ [MG]iB$/);
  await page.reload();
  await page.getByText("All running").waitFor();
  expect(requests.some((url) => url.endsWith("/admin/events"))).toBe(true);
  expect(requests.filter((url) => url.includes(ADMIN_TOKEN))).toEqual([]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
});

test("polling is paused and resumed, and the map shows it", async () => {
  const page = await open();
  await page.getByRole("button", { name: "Pause polling …" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  expect(await page.getByRole("article", { name: "Poller" }).getAttribute("data-phase")).toBe("running");
  await page.getByRole("button", { name: "Pause polling …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByText("Polling is paused", { exact: true }).waitFor();
  await page.getByRole("log").getByText("pause requested").waitFor();
  const map = await visit(shared.browser, shared.server.url);
  await waitHeadline(map.page, /^Polling is paused$/);
  await page.getByRole("button", { name: "Resume polling …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByText("All running").waitFor();
  await waitHeadline(map.page, /^Recorded traffic of 14 Nov 2023$/);
});

test("an actor is restarted", async () => {
  const page = await open();
  const card = page.getByRole("article", { name: "DbWriter" });
  const restarts = card.locator(".facts > div", { hasText: "Restarts" }).locator("dd");
  expect(await restarts.textContent()).toBe("0");
  await card.getByRole("button", { name: "Restart DbWriter" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Restart", exact: true }).click();
  await expect.poll(() => restarts.textContent(), { timeout: PATIENCE }).toBe("1");
  await page.getByRole("log").getByText("restart requested").waitFor();
  await card.getByText(/^running for/).waitFor();
});

test("the card of an endpoint shows its state and sends a test message", async () => {
  const page = await open();
  const card = page.getByRole("article", { name: "Notifier, phone" });
  const state = card.locator(".facts > div", { hasText: "Endpoint" }).locator("dd");
  await expect.poll(() => state.textContent(), { timeout: PATIENCE }).toBe("delivering");
  const test = card.getByRole("button", { name: "Send test message, Notifier, phone" });
  await test.click();
  await card
    .getByRole("status")
    .getByText(/^Delivered after \d/)
    .waitFor();
  expect(hook.received).toBe(1);
  hook.status = 404;
  await test.click();
  await card.getByText(/^Not delivered, after .*: refused: responded with 404 Not Found/).waitFor();
});

test.each([
  ["light", undefined],
  ["dark", { width: 390, height: 780 }],
] as const)("axe finds no violations, %s", async (colorScheme, viewport) => {
  const options = { colorScheme, ...(viewport !== undefined && { viewport }) };
  const outside = await visit(shared.browser, `${shared.server.url}admin`, options);
  await outside.page.getByLabel("Admin token").waitFor();
  expect(await violations(outside.page)).toEqual([]);
  const page = await open(options);
  expect(await violations(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);
  await page.getByRole("button", { name: "Drain …" }).click();
  expect(await violations(page)).toEqual([]);
});

test("the dashboard reports that a server was drained", async () => {
  const page = await open();
  await page.getByRole("button", { name: "Drain …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drain", exact: true }).click();
  await page.getByText("Drained: the server has stopped. Waiting for it to come back.").waitFor();
});
