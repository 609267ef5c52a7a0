import type { Feature, Position } from "geojson";
import type { AddProtocolAction } from "maplibre-gl";

/** The scheme of addresses whose geometries are unpacked when they are loaded. */
export const BASE_MAP = "base-map";

/** A line as alternating differences of longitude and latitude, in hundredths of a degree. */
type Line = readonly number[];
/** A packed geometry, a third as large as GeoJSON. `scripts/basemap.mjs` writes it. */
export type Packed =
  | { readonly type: "MultiPolygon"; readonly coordinates: readonly (readonly Line[])[] }
  | { readonly type: "MultiLineString"; readonly coordinates: readonly Line[] };

/** Loads the path of this server that follows the scheme. */
export const loadBaseMap: AddProtocolAction = async ({ url }, { signal }) => {
  const response = await fetch(url.slice(`${BASE_MAP}://`.length), { signal });
  if (!response.ok) throw new Error(`failed to load the base map: the server returned ${response.status}`);
  return { data: unpacked((await response.json()) as Packed) };
};

/** Unpacks a geometry to GeoJSON. */
export function unpacked(packed: Packed): Feature {
  const geometry =
    packed.type === "MultiPolygon"
      ? { type: packed.type, coordinates: packed.coordinates.map((rings) => rings.map(points)) }
      : { type: packed.type, coordinates: packed.coordinates.map(points) };
  return { type: "Feature", properties: {}, geometry };
}

function points(line: Line): Position[] {
  const points: Position[] = [];
  let [lon, lat] = [0, 0];
  for (let i = 0; i + 1 < line.length; i += 2) {
    lon += line[i] ?? 0;
    lat += line[i + 1] ?? 0;
    points.push([lon / 100, lat / 100]);
  }
  return points;
}
