// Who the aircraft are: by the server's aircraft table, and without one.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";

import { field, listRow, PATIENCE, Program, row, share, violations, visit, waitAircraft } from "./support.ts";

const AIRCRAFT = [
  row({ icao24: "4b1814", callsign: "SWR123", lat: 47.0, lon: 8.5 }),
  row({ icao24: "3f4567", callsign: "GAF1", country: "Germany", lat: 47.6, lon: 9.5 }),
  row({ icao24: "a835af", callsign: "N628TS", country: "United States", lat: 46.5, lon: 7.5 }),
];

const shared = share(() => {
  const table = join(mkdtempSync(join(tmpdir(), "flight-monitor-table-")), "aircraft.csv");
  writeFileSync(
    table,
    "icao24,registration,type,description,operator,military\n" +
      "4b1814,HB-JCA,BCS3,Airbus A220-300,Swiss Global,no\n" +
      "3f4567,54+10,A400,Airbus A400M,Luftwaffe,yes\n",
  );
  return Program.showing(AIRCRAFT, { ENRICHMENT_AIRCRAFT_TABLE: table });
});
const textField = (page: Page, name: string): Locator =>
  page.locator(".filters").getByRole("textbox", { name, exact: true });
const VIEW = "#view=7/47/8.5";

test("the list shows and sorts registrations, types and operators", async () => {
  const { page, complaints } = await visit(shared.browser, `${shared.server.url}${VIEW}&panel=list`);
  await waitAircraft(page, /^3 aircraft$/);
  const swiss = listRow(page, "SWR123");
  await expect.poll(() => swiss.textContent(), { timeout: PATIENCE }).toMatch(/^SWR123HB-JCABCS3Swiss International/);
  // The registration is computed from the address, and nothing else is known.
  expect(await listRow(page, "a835af").textContent()).toMatch(/^N628TSN628TS––/);
  await page.getByRole("columnheader", { name: "Type" }).getByRole("button").click();
  const first = page.locator('.rows .row[aria-rowindex="2"]');
  await expect.poll(() => first.textContent(), { timeout: PATIENCE }).toMatch(/^GAF154\+10A400/);
  expect(await violations(page)).toEqual([]);
  await swiss.click();
  await expect.poll(() => field(page, /^Type/).textContent(), { timeout: PATIENCE }).toBe("BCS3 · Airbus A220-300");
  expect(complaints).toEqual([]);
});

test.each([
  ["hbj", /SWR123 HB-JCA · BCS3/],
  ["luftw", /GAF1 54\+10 · A400/],
  ["n628", /N628TS N628TS/],
])("the search finds %s, also outside the loaded area", async (text, found) => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=6/-33/151`);
  await page.keyboard.press("/");
  await page.keyboard.type(text);
  await page.getByRole("option", { name: found }).waitFor();
});

test("filters compare types, registrations, operators and military, and are in the link", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}${VIEW}&panel=filters&type=bcs*`);
  await waitAircraft(page, /^1 of 3 aircraft$/);
  await textField(page, "Type").fill("");
  await textField(page, "Registration").fill("hb*, n*");
  await waitAircraft(page, /^2 of 3 aircraft$/);
  await textField(page, "Operator or airline").fill("swiss");
  await waitAircraft(page, /^1 of 3 aircraft$/);
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toContain("registration=hb*%2C%20n*&operator=swiss");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("combobox", { name: "Military or civil" }).selectOption("Military");
  await waitAircraft(page, /^1 of 3 aircraft$/);
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toContain("service=military");
  await page.locator(".legend").getByText("Military").waitFor();
  expect(await violations(page)).toEqual([]);
});

test("without an aircraft table, filters that need one are disabled, or say why they find nothing", async () => {
  const bare = await Program.showing(AIRCRAFT);
  try {
    const { page } = await visit(shared.browser, `${bare.url}${VIEW}&panel=filters&type=BCS3`);
    await waitAircraft(page, /^0 of 3 aircraft$/);
    await page.getByText(/^No aircraft match the filters \(3 hidden\)\. This server has no aircraft table/).waitFor();
    expect(await textField(page, "Type").isEnabled()).toBe(true);
    expect(await page.getByRole("combobox", { name: "Military or civil" }).isEnabled()).toBe(false);
    await page.getByRole("button", { name: "Remove filter: Type BCS3" }).click();
    await waitAircraft(page, /^3 aircraft$/);
    expect(await textField(page, "Type").isEnabled()).toBe(false);
    await textField(page, "Registration").fill("N628TS");
    await waitAircraft(page, /^1 of 3 aircraft$/);
  } finally {
    await bare.remove();
  }
});
