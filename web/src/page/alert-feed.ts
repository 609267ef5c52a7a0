import { AlertChanges } from "../model/alert-list.ts";
import type { Alert } from "../stream/index.ts";
import type { PageStore } from "./state.ts";

/** Follows the active alerts of the stream, which a replay interrupts. */
export class AlertFeed {
  private readonly changes = new AlertChanges();

  constructor(store: PageStore, onNew: (alerts: readonly Alert[]) => void) {
    store.on(["traffic", "player"], ({ traffic, player }) => {
      if (player !== undefined || !traffic.isLoaded) return;
      const fresh = this.changes.update(traffic.alerts);
      if (fresh.length > 0) onNew(fresh);
    });
  }

  /** The alerts that have ended since the page was opened. */
  get gone(): readonly Alert[] {
    return this.changes.gone;
  }
}
