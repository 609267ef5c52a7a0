import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { PATIENCE, Program, row, share, violations, visit, waitAircraft } from "./support.ts";

// One aircraft has an alert all the time, the other one begins and ends alerts in turn.
const picture = (squawk: string): ReturnType<typeof row>[] => [
  row({ icao24: "3c6444", callsign: "DLH45K", country: "Germany", lat: 48.0, lon: 9.5, squawk: "7600" }),
  row({ icao24: "3944ef", callsign: "AFR1", country: "France", lat: 47.0, lon: 7.5, squawk }),
];
const shared = share(() => Program.showingInTurn([picture("7700"), picture("1000")]));

async function openAlerts(page: Page): Promise<void> {
  await waitAircraft(page, /^2 aircraft$/);
  await page.getByRole("button", { name: "Alerts", exact: true }).click();
  await page.getByRole("heading", { name: "Alerts", exact: true }).waitFor();
}

test("active alerts come before those that have ended, and lead to their aircraft", async () => {
  const { page, complaints } = await visit(shared.browser, `${shared.server.url}#view=7/47/8.5`);
  await openAlerts(page);
  const active = page.getByRole("list", { name: "Active", exact: true });
  const ended = page.getByRole("list", { name: "Ended, last 24 hours" });
  await active.getByText("DLH45K 7600 radio failure").waitFor();
  await active
    .getByText(/^since \d\d:\d\d:\d\d UTC · emergency-squawk$/)
    .first()
    .waitFor();
  await ended.getByText("AFR1 7700 emergency").first().waitFor();
  // The database has the end.
  await ended
    .getByText(/^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d UTC · emergency-squawk$/)
    .first()
    .waitFor();
  expect(await ended.getByText("DLH45K").count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await active.getByRole("button", { name: "DLH45K 7600 radio failure" }).click();
  await page.getByRole("heading", { name: "DLH45K" }).waitFor();
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toMatch(/#icao24=3c6444&view=7\.00\/48\.0/);
  expect(complaints).toEqual([]);
});

test("a replay begins where an alert began", async () => {
  const { page } = await visit(shared.browser, `${shared.server.url}#view=7/47/8.5`);
  await openAlerts(page);
  const ended = page.getByRole("list", { name: "Ended, last 24 hours" });
  const replay = ended.getByRole("button", { name: /^Replay from here: AFR1, / });
  // The keyboard reaches it, too.
  await replay.first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Replay" }).waitFor();
  await page.getByRole("heading", { name: "AFR1" }).waitFor();
  const alerts = (await (await fetch(`${shared.server.url}api/v1/alerts?icao24=3944ef`)).json()) as {
    alerts: { since: number }[];
  };
  const at = Number(new URL(page.url().replace("#", "?")).searchParams.get("at"));
  // A replay runs ten times as fast as the present.
  expect(alerts.alerts.some(({ since }) => at >= since && at < since + 60)).toBe(true);
  await page.getByText(/^\d+ active at |^None active at /).waitFor();
  await page.getByRole("heading", { name: "Ended, previous 24 hours" }).waitFor();
});

/** Answers requests for stored alerts in place of the server. */
const failing =
  (status: number) =>
  (page: Page): Promise<unknown> =>
    page.route(/\/api\/v1\/alerts/, (route) =>
      route.fulfill({ status, contentType: "application/problem+json", body: "{}" }),
    );

test("without a database, the list has the alerts that ended while the page was open", async () => {
  const { page } = await visit(shared.browser, shared.server.url, {}, failing(404));
  await openAlerts(page);
  await page.getByText("This server keeps no history; alerts that ended earlier are not listed.").waitFor();
  await page.getByRole("list", { name: "Active", exact: true }).getByText("DLH45K 7600 radio failure").waitFor();
  const ended = page.getByRole("list", { name: "Ended since this page was opened" });
  await ended.getByText("AFR1 7700 emergency").first().waitFor();
  expect(await page.getByRole("button", { name: /^Replay from here/ }).count()).toBe(0);
});

test("a database that does not respond leaves the active alerts", async () => {
  const { page } = await visit(shared.browser, shared.server.url, {}, failing(500));
  await openAlerts(page);
  await page.getByText("Stored alerts are temporarily unavailable; retrying …").waitFor();
  await page.getByRole("list", { name: "Active", exact: true }).getByText("DLH45K 7600 radio failure").waitFor();
});

test("the keyboard opens and closes the alerts", async () => {
  const { page } = await visit(shared.browser, shared.server.url);
  await waitAircraft(page, /^2 aircraft$/);
  await page.keyboard.press("a");
  await page.getByRole("heading", { name: "Alerts", exact: true }).waitFor();
  await expect.poll(() => page.url(), { timeout: PATIENCE }).toContain("panel=alerts");
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Alerts", exact: true }).waitFor({ state: "hidden" });
});

/** What the page asked of the browser, and showed by it. */
interface Recorded {
  readonly asked: number;
  readonly shown: readonly string[];
}

/** Has the browser answer the question for notifications, and records them. */
function answering(answer: NotificationPermission): (page: Page) => Promise<void> {
  return async (page) => {
    await page.addInitScript((answer) => {
      const recorded = { asked: 0, shown: [] as string[] };
      class FakeNotification extends EventTarget {
        static permission: NotificationPermission = "default";
        static requestPermission(): Promise<NotificationPermission> {
          recorded.asked += 1;
          FakeNotification.permission = answer;
          return Promise.resolve(answer);
        }
        constructor(title: string) {
          super();
          recorded.shown.push(title);
        }
      }
      Object.assign(window, { Notification: FakeNotification, recorded });
    }, answer);
  };
}
const recorded = (page: Page): Promise<Recorded> =>
  page.evaluate(() => (window as unknown as { recorded: Recorded }).recorded);

test("notifications need a click and the browser's permission", async () => {
  const { page } = await visit(shared.browser, shared.server.url, {}, answering("granted"));
  await openAlerts(page);
  const notifications = page.getByLabel("Show browser notifications");
  expect([await notifications.isChecked(), await page.getByLabel("Play a sound").isChecked()]).toEqual([false, false]);
  expect(await recorded(page)).toEqual({ asked: 0, shown: [] });
  await notifications.check();
  await expect.poll(async () => (await recorded(page)).shown, { timeout: PATIENCE }).toContain("AFR1: 7700 emergency");
  const { asked, shown } = await recorded(page);
  expect(asked).toBe(1);
  // The alert that was active before is not new.
  expect(shown.some((title) => title.startsWith("DLH45K"))).toBe(false);
  // A hidden tab follows the alerts as well.
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  const before = (await recorded(page)).shown.length;
  await expect.poll(async () => (await recorded(page)).shown.length, { timeout: PATIENCE }).toBeGreaterThan(before + 1);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: false, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await waitAircraft(page, /^2 aircraft$/);
});

test("notifications stay off where the browser denies them", async () => {
  const { page, complaints } = await visit(shared.browser, shared.server.url, {}, answering("denied"));
  await openAlerts(page);
  const notifications = page.getByLabel("Show browser notifications");
  await notifications.click();
  await page.getByText(/^The browser blocks notifications of this page/).waitFor();
  expect(await notifications.isChecked()).toBe(false);
  await page.getByLabel("Play a sound").check();
  expect(await violations(page)).toEqual([]);
  expect(complaints).toEqual([]);
});
