import { coverageAt } from "../model/coverage.ts";
import { health, replayed } from "../model/health.ts";
import type { Health } from "../model/health.ts";
import { shownTime } from "./state.ts";
import type { PageState } from "./state.ts";

/** The health of the picture that is shown. */
export function healthOf(state: PageState): Health {
  const { player, coverage, connection, status, traffic } = state;
  if (player !== undefined) return replayed(player.at, coverageAt(coverage, player.at));
  return health({ connection, status, observedAt: traffic.observedAt, now: shownTime(state) });
}
