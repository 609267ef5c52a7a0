// The page by keyboard alone, and in forced colours.

import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { PATIENCE, Program, row, share, violations, visit, waitAircraft } from "./support.ts";

const shared = share(() =>
  Program.showing([
    row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 }),
    row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: 50.0, lon: 9.5, altitude: 3_000 }),
  ]),
);

async function open(options = {}): Promise<Page> {
  const { page } = await visit(shared.browser, shared.server.url, options);
  await waitAircraft(page, /^2 aircraft$/);
  return page;
}

/** The focused element: its role or tag, and its name. */
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

test("panels take the focus and return it, and Escape closes the topmost", async () => {
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
    // Also from an element inside.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await waitFocus(page, `button ${name}`);
  }
});

test("Escape leaves the search, and panels stay open", async () => {
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
});

test("the first tab stop leads to the list, and ? lists the shortcuts", async () => {
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
  // Single keys can be turned off, for speech input.
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("checkbox", { name: "Keyboard shortcuts" }).uncheck();
  await page.getByRole("button", { name: "Close the settings" }).click();
  await page.keyboard.press("l");
  expect(await page.locator(".panel.list").isVisible()).toBe(false);
});

test("in forced colours the status lamp keeps its colour", async () => {
  const page = await open({ forcedColors: "active" });
  const lamp = page.locator(".status .lamp");
  const colours = await lamp.evaluate((element) => [
    getComputedStyle(element).backgroundColor,
    getComputedStyle(document.body).backgroundColor,
  ]);
  expect(colours[0]).not.toBe(colours[1]);
  expect(await lamp.evaluate((element) => getComputedStyle(element).forcedColorAdjust)).toBe("none");
});
