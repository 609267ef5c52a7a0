import type { Box } from "../stream/index.ts";
import type { View } from "./link.ts";

/** The radius of the sphere that web maps use, m. */
const RADIUS = 6_378_137;
/** The edge of the web mercator map, degrees. */
export const MAX_LATITUDE = 85.0511;

/** Latitude of a place on the web mercator map. */
export function latitudeAt(y: number): number {
  return (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90;
}

/** Longitude on the web mercator map, 0 at 180° W to 1 at 180° E. */
export function mercatorX(lon: number): number {
  return (lon + 180) / 360;
}

/** Latitude on the web mercator map, 0 in the north to 1 in the south. */
export function mercatorY(lat: number): number {
  const limited = Math.min(MAX_LATITUDE, Math.max(-MAX_LATITUDE, lat));
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + (limited * Math.PI) / 360)) / (2 * Math.PI);
}

/** A velocity on the web mercator map, per second: [x, y]. */
export function mercatorVelocity(lat: number, metresPerSecond: number, trackDegrees: number): [number, number] {
  const stretch = metresPerSecond / (2 * Math.PI * RADIUS * Math.cos((lat * Math.PI) / 180));
  const track = (trackDegrees * Math.PI) / 180;
  return [Math.sin(track) * stretch, -Math.cos(track) * stretch];
}

/** The longitude in −180 to 180 degrees. */
export function wrapLongitude(lon: number): number {
  return ((((lon + 180) % 360) + 360) % 360) - 180;
}

/** The box that a map of this size in CSS pixels shows; longitudes may exceed ±180. */
export function boxOf({ zoom, lat, lon }: View, width: number, height: number): Box {
  const world = 512 * 2 ** zoom;
  const [y, half] = [mercatorY(lat), (360 * width) / world / 2];
  const up = height / world / 2;
  return { south: latitudeAt(y + up), north: latitudeAt(y - up), west: lon - half, east: lon + half };
}

/**
 * The box to request for a view: half its size larger on each side, rounded to steps, so that small movements request
 * nothing. `undefined`: the world.
 *
 * @param view longitudes may exceed ±180, with `west < east`
 */
export function scopeAround(view: Box): Box | undefined {
  const [height, width] = [view.north - view.south, view.east - view.west];
  if (width >= 60 || height >= 60) return undefined;
  const step = Math.min(10, Math.max(0.5, 2 ** Math.floor(Math.log2(Math.max(width, height) / 4))));
  const down = (value: number): number => Math.floor(value / step) * step;
  const up = (value: number): number => Math.ceil(value / step) * step;
  return {
    south: Math.max(-90, down(view.south - height / 2)),
    north: Math.min(90, up(view.north + height / 2)),
    west: wrapLongitude(down(view.west - width / 2)),
    east: wrapLongitude(up(view.east + width / 2)),
  };
}

/** Whether a requested box still fits a view: it contains the view, and is not much larger than needed. */
export function stillFits(scope: Box | undefined, view: Box): boolean {
  const wanted = scopeAround(view);
  if (scope === undefined || wanted === undefined) return scope === wanted;
  const width = (box: Box): number => (((box.east - box.west) % 360) + 360) % 360 || 360;
  const offset = (((view.west - scope.west) % 360) + 360) % 360;
  const inside =
    view.south >= Math.min(scope.south, 90) &&
    view.north <= scope.north &&
    offset + (view.east - view.west) <= width(scope);
  return inside && width(scope) <= 3 * width(wanted);
}
