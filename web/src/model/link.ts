/** What an address with `#icao24=…&view=zoom/lat/lon` shows. */
export interface Link {
  readonly icao24?: string;
  readonly view?: View;
}

/** Where the map looks. */
export interface View {
  readonly zoom: number;
  readonly lat: number;
  readonly lon: number;
}

/** Reads what follows the `#`; what is not understood is left out. */
export function readLink(hash: string): Link {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const icao24 = parameters.get("icao24")?.toLowerCase();
  const view = readView(parameters.get("view"));
  return {
    ...(icao24 !== undefined && /^[0-9a-f]{6}$/.test(icao24) && { icao24 }),
    ...(view !== undefined && { view }),
  };
}

function readView(text: string | null): View | undefined {
  const numbers = text?.split("/").map(Number);
  if (numbers?.length !== 3 || !numbers.every(Number.isFinite)) return undefined;
  const [zoom, lat, lon] = numbers as [number, number, number];
  if (zoom < 0 || zoom > 24 || Math.abs(lat) > 90 || Math.abs(lon) > 360) return undefined;
  return { zoom, lat, lon };
}

/** What follows the `#` for this. */
export function writeLink({ icao24, view }: Link): string {
  const parts: string[] = [];
  if (icao24 !== undefined) parts.push(`icao24=${icao24}`);
  if (view !== undefined) {
    const digits = Math.max(2, Math.ceil(view.zoom / 2));
    parts.push(`view=${view.zoom.toFixed(2)}/${view.lat.toFixed(digits)}/${view.lon.toFixed(digits)}`);
  }
  return parts.length === 0 ? "" : `#${parts.join("&")}`;
}
