/** A colour in sRGB, 0 to 255 each. */
export type Rgb = readonly [number, number, number];

/**
 * Altitude in m to colour, from warm near the ground to violet in the stratosphere. Lightness changes little, so that
 * every altitude can be seen on a light and on a dark map.
 */
const RAMP: readonly (readonly [number, Rgb])[] = [
  [0, [224, 76, 20]],
  [1_500, [230, 145, 0]],
  [3_000, [176, 170, 0]],
  [5_000, [64, 172, 52]],
  [7_000, [0, 166, 132]],
  [9_000, [0, 150, 208]],
  [11_000, [62, 110, 240]],
  [13_000, [150, 82, 232]],
  [15_000, [206, 70, 196]],
];

/** On the ground. */
export const GROUND: Rgb = [128, 124, 116];
/** In the air, at an unknown altitude. */
export const UNKNOWN: Rgb = [124, 140, 156];
/** An emergency squawk. */
export const EMERGENCY: Rgb = [226, 24, 44];
/** An alert of any other rule. */
export const ALERT: Rgb = [214, 128, 0];

/** How far the legend goes, in m: 50,000 ft. */
export const LEGEND_END = 15_240;

/** The colour of an altitude in m. */
export function altitudeColour(altitude: number | null, onGround: boolean | null): Rgb {
  if (onGround === true) return GROUND;
  if (altitude === null) return UNKNOWN;
  const above = RAMP.findIndex(([from]) => from > altitude);
  const [lowest, highest] = [RAMP[0], RAMP.at(-1)];
  if (above === 0) return lowest?.[1] ?? UNKNOWN;
  if (above === -1) return highest?.[1] ?? UNKNOWN;
  const [low, high] = [RAMP[above - 1], RAMP[above]];
  if (low === undefined || high === undefined) return UNKNOWN;
  const share = (altitude - low[0]) / (high[0] - low[0]);
  const mixed = (i: 0 | 1 | 2): number => Math.round(low[1][i] + share * (high[1][i] - low[1][i]));
  return [mixed(0), mixed(1), mixed(2)];
}

/** As CSS and MapLibre write it. */
export function css([red, green, blue]: Rgb): string {
  return `rgb(${red}, ${green}, ${blue})`;
}
