// The server behind real proxies, with the configurations of docs/deployment.md.

import { get } from "node:http";
import type { IncomingMessage } from "node:http";

import { expect, test } from "vitest";

import { altitudeColour } from "../src/model/colours.ts";
import { documented, PROXIES, Proxy } from "./proxies.ts";
import type { ProxyName } from "./proxies.ts";
import { PATIENCE, Program, row, share, shareOf, signIn, visit, waitAircraft, waitHeadline } from "./support.ts";

const shared = share(() =>
  Program.showing([row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5 })], {
    HTTP_TRUSTED_PROXIES: "127.0.0.1",
    SSE_MAX_CLIENTS_PER_ADDRESS: "1",
  }),
);

/** Checks both pages below `/sky/`. */
async function pagesWorkBelow(url: string): Promise<void> {
  const { page, complaints } = await visit(shared.browser, `${url}/sky#view=7/47/8.5`);
  const missing: string[] = [];
  page.on("response", (response) => {
    if (response.status() === 404) missing.push(response.url());
  });
  await waitAircraft(page, /^1 aircraft$/);
  await waitHeadline(page, /^Recorded traffic/);
  expect(new URL(page.url()).pathname).toBe("/sky/");
  await expect.poll(() => shareOf(page, altitudeColour(10_000, false)), { timeout: PATIENCE }).toBeGreaterThan(0.0001);
  await page.getByRole("button", { name: "Statistics" }).click();
  await page
    .getByText(/^1 aircraft/)
    .nth(1)
    .waitFor();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("link", { name: "/admin" }).click();
  await signIn(page);
  await page.getByRole("article", { name: "Poller" }).waitFor();
  await page.locator(".actions button", { hasText: "Pause polling" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.locator(".actions button", { hasText: "Resume polling" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.locator(".actions button", { hasText: "Pause polling" }).waitFor();
  await page.getByRole("link", { name: "Flight monitor" }).click();
  await waitAircraft(page, /^1 aircraft$/);
  expect(new URL(page.url()).pathname).toBe("/sky/");
  expect(missing).toEqual([]);
  expect(complaints).toEqual([]);
  const redirected = await fetch(`${url}/sky/admin/`);
  expect([new URL(redirected.url).pathname, redirected.status]).toEqual(["/sky/admin", 200]);
}

test("both pages work below a path of an nginx with nothing but proxy_pass", async () => {
  const bare = "server { listen 80; location /sky/ { proxy_pass http://127.0.0.1:8081/; } }";
  const proxy = await Proxy.start("nginx", bare, shared.server.url);
  try {
    await pagesWorkBelow(proxy.url);
  } finally {
    await proxy.remove();
  }
});

test.each(PROXIES)("both pages work below a path of the documented %s", async (name) => {
  const proxy = await Proxy.start(name, documented(name, "path"), shared.server.url);
  try {
    await pagesWorkBelow(proxy.url);
    await clientsAreCountedByTheirOwnAddress(name, `${proxy.url}/sky/`);
  } finally {
    await proxy.remove();
  }
});

test.each(PROXIES)("the documented %s forwards everything at the root of a host", async (name) => {
  const proxy = await Proxy.start(name, documented(name, "root"), shared.server.url);
  try {
    const page = await (await fetch(`${proxy.url}/`)).text();
    const script = /src="(\.\/assets\/[^"]+)"/.exec(page)?.[1] ?? "";
    for (const path of [script, "admin", "api/v1/status"]) {
      expect((await fetch(new URL(path, `${proxy.url}/`))).status).toBe(200);
    }
    await clientsAreCountedByTheirOwnAddress(name, `${proxy.url}/`);
  } finally {
    await proxy.remove();
  }
});

test("relative addresses in openapi.json and in Link headers stay below the path", async () => {
  const proxy = await Proxy.start("nginx", documented("nginx", "path"), shared.server.url);
  try {
    const description = await fetch(`${proxy.url}/sky/api/v1/openapi.json`);
    const { servers } = (await description.json()) as { servers: readonly { url: string }[] };
    expect(new URL(servers[0]?.url ?? "", description.url).href).toBe(`${proxy.url}/sky/`);
    const first = `${proxy.url}/sky/api/v1/flights/4b1814/track?limit=1`;
    const link = async (): Promise<string> => (await fetch(first)).headers.get("Link") ?? "";
    await expect.poll(link, { timeout: PATIENCE }).toMatch(/rel="next"/);
    const next = new URL(/<([^>]*)>/.exec(await link())?.[1] ?? "", first);
    expect([next.pathname, (await fetch(next)).status]).toEqual(["/sky/api/v1/flights/4b1814/track", 200]);
  } finally {
    await proxy.remove();
  }
});

/** Two clients of different addresses each get a stream, although an address may have only one. */
async function clientsAreCountedByTheirOwnAddress(name: ProxyName, url: string): Promise<void> {
  const number = PROXIES.indexOf(name) + (url.endsWith("/sky/") ? 10 : 20);
  const streams: IncomingMessage[] = [];
  try {
    for (const client of [1, 2]) {
      streams.push(await snapshot(`${url}api/v1/stream`, `127.0.${number}.${client}`));
    }
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

/** Opens the stream from an address of this machine, and waits for its snapshot. */
function snapshot(url: string, localAddress: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { localAddress, headers: { Accept: "text/event-stream" } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", reject);
      response.on("end", () => {
        reject(new Error(`${url} ended with ${response.statusCode ?? 0}: ${text}`));
      });
      response.on("data", (part: string) => {
        text += part;
        if (text.includes("event: snapshot")) resolve(response);
      });
    }).on("error", reject);
  });
}
