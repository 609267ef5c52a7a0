import { StatusPoller } from "../api/status.ts";
import { boxOf } from "../model/geometry.ts";
import { readLink } from "../model/link.ts";
import { lookUpSelected } from "./aircraft-lookup.ts";
import { AlertFeed } from "./alert-feed.ts";
import { AlertNotices } from "./alert-notices.ts";
import { AlertsPanel } from "./alerts-panel.ts";
import { Announcer } from "./announcer.ts";
import { applySettings } from "./apply-settings.ts";
import { Camera } from "./camera.ts";
import { Chime } from "./chime.ts";
import { Details } from "./details.ts";
import { FactsLoader } from "./facts-loader.ts";
import { Filters } from "./filters.ts";
import { Frame } from "./frame.ts";
import { handleKeys } from "./keyboard.ts";
import { knowSelected } from "./known-aircraft.ts";
import { Legend } from "./legend.ts";
import { LinkSync } from "./link-sync.ts";
import { List } from "./list.ts";
import { loadMap } from "./map-view.ts";
import { ReplayBar } from "./replay-bar.ts";
import { RouteLoader } from "./route-loader.ts";
import { SearchBox } from "./search-box.ts";
import { settingsPanel } from "./settings-panel.ts";
import { readSettings } from "./settings.ts";
import { ShortcutsDialog } from "./shortcuts.ts";
import { createPageStore } from "./state.ts";
import type { PageStore } from "./state.ts";
import { StatisticsPanel } from "./statistics-panel.ts";
import { StatusView } from "./status-view.ts";
import { Traffic } from "./traffic.ts";
import { trackSelected } from "./trail.ts";

/** Starts the page: the store, the controllers that fill it, and the views that show it. */
export async function startPage(root: HTMLElement): Promise<void> {
  const store = createPageStore(readSettings());
  // Before the views, which write times and altitudes by these settings.
  applySettings(store);
  const traffic = new Traffic(store);
  lookUpSelected(store);
  trackSelected(store);
  knowSelected(store);
  new FactsLoader(store);
  const routes = new RouteLoader(store);

  const chime = new Chime();
  const announcer = new Announcer(store, chime);
  const feed = new AlertFeed(store, (alerts) => {
    announcer.announce(alerts);
  });

  const search = new SearchBox(store);
  const status = new StatusView(store);
  const shortcuts = new ShortcutsDialog();
  const filters = new Filters(store);
  const frame = new Frame(root, store, traffic, {
    search: search.element,
    status: status.element,
    alertNotices: new AlertNotices(store).element,
    chips: filters.chips,
    legend: new Legend(store).element,
    details: new Details(store).element,
    replayBar: new ReplayBar(store, traffic).element,
    panels: {
      list: new List(store, routes).element,
      filters: filters.element,
      statistics: new StatisticsPanel(store).element,
      alerts: new AlertsPanel(store, feed, traffic, chime).element,
      settings: settingsPanel(store, shortcuts),
    },
  });
  root.append(shortcuts.element);
  // After the views, which it keeps clear of.
  const camera = new Camera(store, frame);
  new LinkSync(store, traffic);
  handleKeys(store, { frame, search, shortcuts, status, traffic });

  const { icao24, view, panel, filter = {}, replay } = readLink(location.hash);
  const start = view ?? { zoom: window.innerWidth < 700 ? 2.4 : 3.2, lat: 42, lon: 10 };
  store.set({ filter, pendingReplay: replay, box: boxOf(start, window.innerWidth, window.innerHeight) });
  if (replay === undefined) traffic.resume();
  pollStatus(store, traffic);
  document.addEventListener("visibilitychange", () => {
    // A browser opens six connections to a host, over all its tabs: a hidden tab needs none.
    store.set({ isHidden: document.hidden });
  });
  window.setInterval(() => {
    store.set({ tick: store.state.tick + 1 });
  }, 1000);

  const map = await loadMap(store, frame, start);
  const { state } = store;
  store.set({
    focusFollows: false,
    ...(panel !== undefined && state.panel === undefined && { panel }),
    // A selection made while the map was loading is newer than the link's.
    ...(icao24 !== undefined &&
      state.selected === undefined && {
        selected: icao24,
        front: "details" as const,
        target: view === undefined ? { icao24, zoom: 6 } : undefined,
      }),
  });
  camera.attach(map);
}

/** Polls the status while the tab is visible. A replay that the link asks for begins after the first poll. */
function pollStatus(store: PageStore, traffic: Traffic): void {
  const poller = new StatusPoller((status) => {
    const { pendingReplay } = store.state;
    store.set({ status });
    if (pendingReplay === undefined) return;
    traffic.follow(pendingReplay);
    store.set({ pendingReplay: undefined });
  });
  store.on(["isHidden"], ({ isHidden }) => {
    if (isHidden) poller.stop();
    else poller.start();
  });
  poller.start();
}
