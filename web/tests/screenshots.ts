// The pictures in `docs/images/`: `make screenshots`.

import { fileURLToPath } from "node:url";

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";

import { launch, Program, visit, waitHeadline } from "./support.ts";

const picture = (name: string): string => fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url));
const DESKTOP = { width: 1200, height: 720 };

let browser: Browser;
let server: Program;
beforeAll(async () => {
  browser = await launch();
  server = await Program.serve(["--demo", "--demo-aircraft", "6000"]);
  // A trail needs some polls.
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

test.each<[string, "light" | "dark", string, { width: number; height: number }, ("list" | "select")[]]>([
  ["map-light", "light", "#view=4.3/48.5/8", DESKTOP, []],
  ["map-dark", "dark", "#view=4.3/48.5/8", DESKTOP, ["list"]],
  ["details", "light", "#view=8/50.05/8.6", DESKTOP, ["select"]],
  ["phone", "dark", "#view=5/48.5/9", { width: 390, height: 780 }, []],
])("%s", async (name, colorScheme, hash, viewport, steps) => {
  const { page } = await visit(browser, server.url + hash, { colorScheme, viewport });
  await waitHeadline(page, /^Demonstration$/);
  await page.waitForLoadState("networkidle").catch(() => undefined);
  if (steps.includes("list")) await page.getByRole("button", { name: "List" }).click();
  if (steps.includes("select")) {
    await page.getByRole("button", { name: "List" }).click();
    await page.getByRole("columnheader", { name: /Speed/ }).getByRole("button").click();
    await page.locator('.rows .row[aria-rowindex="4"]').click();
    await page.getByRole("button", { name: "Close the list" }).click();
  }
  // The map is drawn in software, which takes its time.
  await page.waitForTimeout(12_000);
  await page.screenshot({ path: picture(name) });
  await page.context().close();
});
