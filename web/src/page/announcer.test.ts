import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Alert, StateVector } from "../stream/index.ts";
import { unknownState } from "../stream/table.ts";
import { AlertFeed } from "./alert-feed.ts";
import { Announcer } from "./announcer.ts";
import type { Message } from "./notifications.ts";
import type { Player } from "./player.ts";
import { readSettings } from "./settings.ts";
import { createPageStore, NO_TRAFFIC } from "./state.ts";
import type { PageStore } from "./state.ts";

let store: PageStore;
let shown: Message[] = [];
let sounds = 0;

beforeEach(() => {
  vi.stubGlobal("window", new EventTarget());
  store = createPageStore(readSettings({ getItem: () => null }));
  [shown, sounds] = [[], 0];
  const chime = {
    play: (): boolean => {
      sounds += 1;
      return true;
    },
    unlock: (): void => undefined,
  };
  const announcer = new Announcer(store, chime, (message) => {
    shown.push(message);
    return true;
  });
  new AlertFeed(store, (alerts) => {
    announcer.announce(alerts);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const state = (icao24: string): StateVector => ({ ...unknownState(icao24), callsign: "SWR123", lat: 47, lon: 8 });
const alert = (rule: string, icao24: string): Alert => ({
  icao24,
  squawk: "1000",
  meaning: `alert of ${rule}`,
  since: 5,
  state: state(icao24),
  rule,
  ended: null,
  detail: `alert of ${rule}`,
});
const see = (alerts: readonly Alert[], fields: { readonly player?: Player | undefined } = {}): void => {
  store.set({ traffic: { ...NO_TRAFFIC, isLoaded: true, alerts, held: alerts.map((each) => each.state) }, ...fields });
};
const turnOn = (): void => {
  store.set({ settings: { ...store.state.settings, notify: true, sound: true } });
};

test("nothing is announced unless it is turned on", () => {
  see([]);
  see([alert("low", "4b1814")]);
  expect([shown, sounds]).toEqual([[], 0]);
  // Turning it on announces nothing that is known.
  turnOn();
  see([alert("low", "4b1814")]);
  expect([shown, sounds]).toEqual([[], 0]);
});

test("a new alert is announced once, and its notification leads to the aircraft", () => {
  turnOn();
  see([alert("low", "4b1814")]);
  expect(shown).toEqual([]);
  see([alert("low", "4b1814"), alert("fence", "4b1814")]);
  see([alert("fence", "4b1814")]);
  expect([shown.length, sounds]).toEqual([1, 1]);
  expect(shown[0]).toMatchObject({ title: "SWR123: alert of fence", tag: "fence/4b1814/5" });
  expect(shown[0]?.body).toContain("rule fence");
  shown[0]?.onClick();
  expect(store.state).toMatchObject({ selected: "4b1814", target: { icao24: "4b1814" } });
});

test("many new alerts have one notification, which leads to their list", () => {
  turnOn();
  see([]);
  see(["a", "b", "c", "d", "e", "f", "g"].map((rule) => alert(rule, "4b1814")));
  expect([shown.length, sounds]).toEqual([1, 1]);
  expect(shown[0]?.title).toBe("7 new alerts");
  expect(shown[0]?.body.split("\n")).toHaveLength(6);
  expect(shown[0]?.body).toContain("and 2 more");
  shown[0]?.onClick();
  expect(store.state.panel).toBe("alerts");
});

test("alerts of a replay are not announced, and those that began meanwhile are after it", () => {
  turnOn();
  see([]);
  see([alert("past", "4b1814")], { player: { at: 5 } as unknown as Player });
  store.set({ traffic: NO_TRAFFIC, player: undefined });
  expect(shown).toEqual([]);
  see([alert("low", "4b1814")]);
  expect(shown.map(({ title }) => title)).toEqual(["SWR123: alert of low"]);
});
