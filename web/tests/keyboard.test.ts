// The page by the keyboard alone, and in the system's own colours.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { launch, PATIENCE, Program, row, violations, visit, waitAircraft } from "./support.ts";

let browser: Browser;
let server: Program;
beforeAll(async () => {
  browser = await launch();
  server = await Program.showing([
    row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 }),
    row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: 50.0, lon: 9.5, altitude: 3_000 }),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server.remove();
});

async function open(options = {}): Promise<Page> {
  const { page } = await visit(browser, server.url, options);
  await waitAircraft(page, /^2 aircraft$/);
  return page;
}

/** What has the focus: its role or element, and its name. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement: active } = document;
    const label = active?.getAttribute("aria-label") ?? active?.getAttribute("aria-labelledby") ?? active?.textContent;
    return `${active?.getAttribute("role") ?? active?.tagName.toLowerCase() ?? ""} ${label ?? ""}`;
  });
}

async function waitFocus(page: Page, what: string): Promise<void> {
  await expect.poll(() => focused(page), { timeout: PATIENCE }).toBe(what);
}

test("panels take the focus and return it, and Escape closes what lies on top", async () => {
  const page = await open();
  await page.getByRole("button", { name: "List" }).focus();
  await page.keyboard.press("Enter");
  await waitFocus(page, "grid list-title");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await waitFocus(page, "section details-title");
  await page.keyboard.press("Escape");
  await page.locator(".details").waitFor({ state: "hidden" });
  await waitFocus(page, "grid list-title");
  await page.keyboard.press("Escape");
  await page.locator(".panel.list").waitFor({ state: "hidden" });
  await waitFocus(page, "button List");
  for (const name of ["Filters", "Statistics", "Settings"]) {
    await page.getByRole("button", { name, exact: true }).focus();
    await page.keyboard.press("Enter");
    await waitFocus(page, `section ${name.toLowerCase()}-title`);
    // Also from what is inside it.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await waitFocus(page, `button ${name}`);
  }
  await page.context().close();
});

test("Escape leaves the search, and the page below stays as it is", async () => {
  const page = await open();
  await page.getByRole("button", { name: "List" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("/");
  await page.keyboard.type("swr");
  await page.getByRole("option", { name: /SWR123/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("option", { name: /SWR123/ }).waitFor({ state: "hidden" });
  await page.keyboard.press("Escape");
  await waitFocus(page, "grid list-title");
  expect(await page.locator(".panel.list").isVisible()).toBe(true);
  await page.context().close();
});

test("the first stop of the keyboard leads to the list, and its shortcuts are listed under ?", async () => {
  const page = await open();
  await page.keyboard.press("Tab");
  await waitFocus(page, "a Skip to the aircraft list");
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Enter");
  await waitFocus(page, "grid list-title");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await waitFocus(page, "grid list-title");
  // Single keys can be turned off, for those who dictate.
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("checkbox", { name: "Keyboard shortcuts" }).uncheck();
  await page.getByRole("button", { name: "Close the settings" }).click();
  await page.keyboard.press("l");
  expect(await page.locator(".panel.list").isVisible()).toBe(false);
  await page.context().close();
});

test("in the system's own colours the status lamp is still seen", async () => {
  const page = await open({ forcedColors: "active" });
  const lamp = page.locator(".status .lamp");
  const colours = await lamp.evaluate((element) => [
    getComputedStyle(element).backgroundColor,
    getComputedStyle(document.body).backgroundColor,
  ]);
  expect(colours[0]).not.toBe(colours[1]);
  expect(await lamp.evaluate((element) => getComputedStyle(element).forcedColorAdjust)).toBe("none");
  await page.context().close();
});
