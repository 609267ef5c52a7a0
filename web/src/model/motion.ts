/** Positions are estimated for at most this long after a report, then stay where they are. Seconds. */
export const MAX_EXTRAPOLATION = 60;

/** How long ago a position was reported, for an estimate of the present one: from 0 to the limit. Seconds. */
export function extrapolationTime(now: number, timePosition: number | null): number {
  if (timePosition === null) return 0;
  return Math.min(MAX_EXTRAPOLATION, Math.max(0, now - timePosition));
}
