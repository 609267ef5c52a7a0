/** Positions are carried on for at most this long; what is not heard for longer stands still. Seconds. */
export const LONGEST_RECKONING = 60;

/** How long a position is carried on: since it was taken, and never backwards. Seconds. */
export function reckoning(now: number, timePosition: number | null): number {
  if (timePosition === null) return 0;
  return Math.min(LONGEST_RECKONING, Math.max(0, now - timePosition));
}
