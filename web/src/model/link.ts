import type { Filter } from "./filter.ts";
import { isSquawkStart } from "./filter.ts";

/** The panels next to the map. */
export const PANEL_NAMES = ["list", "filters", "statistics", "alerts", "settings"] as const;
export type PanelName = (typeof PANEL_NAMES)[number];

/** The speeds of a replay. */
export const SPEEDS = [1, 2, 5, 10, 30, 60] as const;

/** The contents of a link, after its `#`: `#icao24=4b1814&view=6/47/8.5&panel=list&country=Germany`. */
export interface Link {
  /** The selected aircraft. */
  readonly icao24?: string;
  readonly view?: View;
  readonly panel?: PanelName;
  readonly filter?: Filter;
  readonly replay?: ReplayLink;
}

/** The centre and zoom of the map. */
export interface View {
  readonly zoom: number;
  readonly lat: number;
  readonly lon: number;
}

/** The moment and speed of a replay. */
export interface ReplayLink {
  /** Unix seconds */
  readonly at: number;
  readonly speed?: number;
}

/** The numeric members of the filter, m and m/s. */
const FIGURES = [
  ["minalt", "lowest"],
  ["maxalt", "highest"],
  ["minspeed", "slowest"],
  ["maxspeed", "fastest"],
] as const;

/** The members of the filter that are texts of the user. */
const TEXTS = ["type", "registration", "operator"] as const;
/** The longest text of a filter. */
export const MAX_TEXT = 100;

/** Reads a link; invalid parts are left out. */
export function readLink(hash: string): Link {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const icao24 = parameters.get("icao24")?.toLowerCase();
  const view = readView(parameters.get("view"));
  const panel = PANEL_NAMES.find((name) => name === parameters.get("panel"));
  const filter = readFilter(parameters);
  const replay = readReplay(parameters);
  return {
    ...(icao24 !== undefined && /^[0-9a-f]{6}$/.test(icao24) && { icao24 }),
    ...(view !== undefined && { view }),
    ...(panel !== undefined && { panel }),
    ...(Object.keys(filter).length > 0 && { filter }),
    ...(replay !== undefined && { replay }),
  };
}

function readView(text: string | null): View | undefined {
  const numbers = text?.split("/").map(Number);
  if (numbers?.length !== 3 || !numbers.every(Number.isFinite)) return undefined;
  const [zoom, lat, lon] = numbers as [number, number, number];
  if (zoom < 0 || zoom > 24 || Math.abs(lat) > 90 || Math.abs(lon) > 360) return undefined;
  return { zoom, lat, lon };
}

function readFilter(parameters: URLSearchParams): Filter {
  const filter: { -readonly [Name in keyof Filter]: Filter[Name] } = {};
  for (const [name, member] of FIGURES) {
    const value = Number(parameters.get(name) ?? NaN);
    if (Number.isFinite(value)) filter[member] = value;
  }
  const country = parameters.get("country");
  if (country !== null && country !== "") filter.country = country.slice(0, 100);
  const source = parameters.get("source");
  if (source !== null && /^[a-z0-9-]{1,100}$/.test(source)) filter.source = source;
  const category = Number(parameters.get("category") ?? NaN);
  if (Number.isInteger(category) && category >= 0 && category <= 20) filter.category = category;
  for (const name of TEXTS) {
    const text = parameters.get(name)?.trim().slice(0, MAX_TEXT) ?? "";
    if (text !== "") filter[name] = text;
  }
  const service = (["military", "civil"] as const).find((name) => name === parameters.get("service"));
  if (service !== undefined) filter.service = service;
  const ground = (["air", "ground"] as const).find((name) => name === parameters.get("ground"));
  if (ground !== undefined) filter.ground = ground;
  const squawk = parameters.get("squawk");
  if (squawk !== null && isSquawkStart(squawk)) filter.squawk = squawk;
  // Links of earlier versions say `emergencies`.
  if (["alerts", "emergencies"].some((name) => parameters.get(name) === "1")) filter.alerts = true;
  return filter;
}

function readReplay(parameters: URLSearchParams): ReplayLink | undefined {
  const at = Number(parameters.get("at") ?? NaN);
  if (!Number.isFinite(at) || at <= 0) return undefined;
  const speed = SPEEDS.find((one) => one === Number(parameters.get("speed")));
  return { at, ...(speed !== undefined && { speed }) };
}

/** Writes a link. */
export function writeLink({ icao24, view, panel, filter = {}, replay }: Link): string {
  const parts: string[] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`);
  };
  add("icao24", icao24);
  if (view !== undefined) {
    const digits = Math.max(2, Math.ceil(view.zoom / 2));
    parts.push(`view=${view.zoom.toFixed(2)}/${view.lat.toFixed(digits)}/${view.lon.toFixed(digits)}`);
  }
  add("panel", panel);
  // Precise to a foot and a knot.
  for (const [name, member] of FIGURES) {
    const value = filter[member];
    add(name, value === undefined ? undefined : Math.round(value * 100) / 100);
  }
  add("country", filter.country);
  add("source", filter.source);
  add("category", filter.category);
  for (const name of TEXTS) add(name, filter[name]);
  add("service", filter.service);
  add("ground", filter.ground);
  add("squawk", filter.squawk);
  add("alerts", filter.alerts === true ? 1 : undefined);
  add("at", replay === undefined ? undefined : Math.floor(replay.at));
  add("speed", replay?.speed);
  return parts.length === 0 ? "" : `#${parts.join("&")}`;
}
