import type { Coverage, KnownAircraft, ServerStatus } from "../api/types.ts";
import { activeAlerts } from "../model/alerts.ts";
import type { ActiveAlerts } from "../model/alerts.ts";
import { NO_FACTS } from "../model/facts.ts";
import type { Facts } from "../model/facts.ts";
import { isOpen, predicate } from "../model/filter.ts";
import type { Filter } from "../model/filter.ts";
import { wrapLongitude } from "../model/geometry.ts";
import type { PanelName, ReplayLink, View } from "../model/link.ts";
import type { Routes } from "../model/routes.ts";
import { isInScope } from "../stream/index.ts";
import type { Alert, Box, ConnectionState, StateVector } from "../stream/index.ts";
import type { Lookup } from "./aircraft-lookup.ts";
import type { Player } from "./player.ts";
import type { Settings } from "./settings.ts";
import { Store } from "./store.ts";
import type { Track } from "./track.ts";

/** The aircraft around the view at the time that is shown, of the live stream or of a replay. */
export interface Traffic {
  readonly held: readonly StateVector[];
  /** Whether `held` was loaded for the time that is shown. */
  readonly isLoaded: boolean;
  readonly alerts: readonly Alert[];
  /** The latest response time of any source in the live picture, Unix seconds. */
  readonly observedAt: number | undefined;
  /** The delivery delay of the latest event, milliseconds. */
  readonly lagMs: number | undefined;
}

/** Where to move the map. An aircraft that is not known yet is moved to once it is. */
export type Target =
  | { readonly view: View }
  | {
      readonly icao24: string;
      readonly state?: StateVector;
      /** At least as near as this. */
      readonly zoom?: number;
      /** Only where the aircraft cannot be seen. */
      readonly ifHidden?: boolean;
    };

/** Everything that the page shows. */
export interface PageState {
  readonly settings: Settings;
  readonly theme: "light" | "dark";
  readonly filter: Filter;
  /** The open panel next to the map. */
  readonly panel: PanelName | undefined;
  /** What was opened last: on a phone it lies above the other sheet. */
  readonly front: "panel" | "details";
  /** Whether the keyboard focus follows what opens: not where a link opened it. */
  readonly focusFollows: boolean;
  /** The ICAO address of the selected aircraft. */
  readonly selected: string | undefined;
  /** Whether the map follows the selected aircraft. */
  readonly following: boolean;
  readonly target: Target | undefined;
  /** Where the map looks; `undefined` until it has loaded. */
  readonly view: View | undefined;
  /** The part of the world in view; longitudes may exceed ±180. */
  readonly box: Box | undefined;

  readonly connection: ConnectionState;
  readonly status: ServerStatus | undefined;
  readonly traffic: Traffic;
  /** Plays recorded traffic; `undefined` while live traffic is shown. */
  readonly player: Player | undefined;
  /** When the sources answered in the range of the replay; `undefined` where that is not known. */
  readonly coverage: Coverage | undefined;
  /** Counts the steps of the player. */
  readonly step: number;
  /** Counts the changes of the time that is shown by more than its passing. */
  readonly jumps: number;
  /** A replay that the link asks for; it begins after the first status. */
  readonly pendingReplay: ReplayLink | undefined;
  /** The search for the selected aircraft outside the loaded area. */
  readonly lookup: Lookup;
  /** What is known about the selected aircraft in addition to its states, once that has been read. */
  readonly known: KnownAircraft | undefined;
  /** What is known about the aircraft of the traffic in addition to their states. */
  readonly facts: Facts;
  /** The routes of the aircraft that a view has asked for. */
  readonly routes: Routes;
  /** Where the selected aircraft was, or why that is not known. */
  readonly track: Track | string;
  /** Why the map cannot be drawn. */
  readonly problem: string | undefined;
  /** Whether the tab is hidden: nothing is requested then. */
  readonly isHidden: boolean;
  /** Counts seconds: ages grow with it. */
  readonly tick: number;

  /** The active alerts at the time that is shown. */
  readonly alerts: ActiveAlerts;
  /** The aircraft that pass the filter, and the selected one. */
  readonly shown: readonly StateVector[];
  /** The shown aircraft in view. */
  readonly visible: readonly StateVector[];
  /** The state of the selected aircraft, also outside the loaded area. */
  readonly aircraft: StateVector | undefined;
}

export type PageStore = Store<PageState>;

/** No traffic, while it is being loaded. */
export const NO_TRAFFIC: Traffic = {
  held: [],
  isLoaded: false,
  alerts: [],
  observedAt: undefined,
  lagMs: undefined,
};

/** The store of a page, with these settings and a start of its own. */
export function createPageStore(settings: Settings, start: Partial<PageState> = {}): PageStore {
  const store: PageStore = new Store<PageState>({
    settings,
    theme: "light",
    filter: {},
    panel: undefined,
    front: "panel",
    focusFollows: false,
    selected: undefined,
    following: false,
    target: undefined,
    view: undefined,
    box: undefined,
    connection: { kind: "connecting" },
    status: undefined,
    traffic: NO_TRAFFIC,
    player: undefined,
    coverage: undefined,
    step: 0,
    jumps: 0,
    pendingReplay: undefined,
    lookup: { kind: "loading" },
    known: undefined,
    facts: NO_FACTS,
    routes: new Map(),
    track: [],
    problem: undefined,
    isHidden: false,
    tick: 0,
    alerts: new Map(),
    shown: [],
    visible: [],
    aircraft: undefined,
    ...start,
  });
  store.derive("alerts", ["traffic"], ({ traffic }) => activeAlerts(traffic.alerts, traffic.held));
  store.derive("aircraft", ["selected", "traffic", "lookup"], selectedAircraft);
  store.derive("shown", ["traffic", "filter", "alerts", "selected", "facts"], shown);
  store.derive("visible", ["shown", "box"], visible);
  return store;
}

function selectedAircraft({ selected, traffic, lookup }: PageState): StateVector | undefined {
  if (selected === undefined) return undefined;
  const held = traffic.held.find(({ icao24 }) => icao24 === selected);
  if (held !== undefined) return held;
  return lookup.kind === "found" && lookup.state.icao24 === selected ? lookup.state : undefined;
}

function shown({ traffic: { held }, filter, alerts, selected, facts }: PageState): readonly StateVector[] {
  if (isOpen(filter)) return held;
  const passes = predicate(filter, alerts, facts.known);
  // The selected aircraft stays on the map where the filter would remove it.
  return held.filter((state) => passes(state) || state.icao24 === selected);
}

function visible({ shown, box }: PageState): readonly StateVector[] {
  if (box === undefined || box.east - box.west >= 360) return shown;
  const wrapped = { ...box, west: wrapLongitude(box.west), east: wrapLongitude(box.east) };
  return shown.filter((state) => isInScope(state, { box: wrapped }));
}

/** The time that is shown, Unix seconds. */
export function shownTime({ player }: PageState): number {
  return player?.at ?? Date.now() / 1000;
}

/** When a source last answered, up to which positions age; `undefined` in a replay, where each state has its own time. */
export function answeredAt({ player, traffic }: PageState): number | undefined {
  return player === undefined ? traffic.observedAt : undefined;
}

/** Selects an aircraft, or none. */
export function select(store: PageStore, icao24: string | undefined): void {
  if (icao24 === store.state.selected) return;
  store.set(selection(icao24));
}

/** Selects an aircraft and moves the map to it. */
export function goTo(store: PageStore, state: StateVector): void {
  const { icao24 } = state;
  store.set({
    ...(icao24 !== store.state.selected && selection(icao24)),
    target: { icao24, state, zoom: 6 },
  });
}

/** Selects an aircraft, and moves the map to it where it cannot be seen. */
export function selectAndReveal(store: PageStore, icao24: string): void {
  store.set({
    ...(icao24 !== store.state.selected && selection(icao24)),
    target: { icao24, ifHidden: true },
  });
}

/** Has the map follow the selected aircraft, beginning by moving to it. */
export function setFollowing(store: PageStore, following: boolean): void {
  const { aircraft } = store.state;
  const isKnown = following && aircraft !== undefined;
  store.set({ following, ...(isKnown && { target: { icao24: aircraft.icao24, state: aircraft, zoom: 6 } }) });
}

function selection(icao24: string | undefined): Partial<PageState> {
  return {
    selected: icao24,
    following: false,
    front: icao24 === undefined ? "panel" : "details",
    focusFollows: true,
    target: undefined,
  };
}

/** Opens a panel in place of the one that is open; `undefined`: closes it. */
export function openPanel(store: PageStore, panel: PanelName | undefined): void {
  store.set({ panel, focusFollows: true, ...(panel !== undefined && { front: "panel" }) });
}
