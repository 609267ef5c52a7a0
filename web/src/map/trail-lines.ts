import { altitudeColour, css } from "../model/colours.ts";

/** A past position of an aircraft. */
export interface TrailPoint {
  readonly lat: number;
  readonly lon: number;
  readonly altitude: number | null;
  readonly onGround: boolean | null;
}

/**
 * A trail as lines of one colour each. Across the antimeridian longitudes exceed ±180, so that no line crosses the whole
 * map.
 */
export function segments(points: readonly TrailPoint[]): { colour: string; coordinates: [number, number][] }[] {
  const lines: { colour: string; coordinates: [number, number][] }[] = [];
  let before: { lon: number; lat: number } | undefined;
  for (const point of points) {
    const colour = css(altitudeColour(point.altitude, point.onGround));
    const lon: number = before === undefined ? point.lon : point.lon + 360 * Math.round((before.lon - point.lon) / 360);
    const current = lines.at(-1);
    if (before !== undefined) {
      if (current?.colour === colour) current.coordinates.push([lon, point.lat]);
      else
        lines.push({
          colour,
          coordinates: [
            [before.lon, before.lat],
            [lon, point.lat],
          ],
        });
    }
    before = { lon, lat: point.lat };
  }
  return lines;
}
