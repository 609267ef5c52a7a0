import { title } from "../model/aircraft.ts";
import { alertKey, alertText } from "../model/alerts.ts";
import { clock } from "../model/time.ts";
import type { Alert } from "../stream/index.ts";
import type { Chime } from "./chime.ts";
import { notify } from "./notifications.ts";
import type { Message } from "./notifications.ts";
import { showAircraftOf } from "./show-alert.ts";
import { openPanel } from "./state.ts";
import type { PageStore } from "./state.ts";

/** More new alerts than this have one notification together. */
const MAX_SINGLE = 3;
/** How many of them it names. */
const MAX_NAMED = 5;

/** Announces new alerts by notifications and sound, where the user has turned them on. */
export class Announcer {
  constructor(
    private readonly store: PageStore,
    private readonly chime: Pick<Chime, "play" | "unlock">,
    private readonly show: (message: Message) => boolean = notify,
  ) {
    const unlock = (): void => {
      if (store.state.settings.sound) chime.unlock();
    };
    // A sound that was turned on before the page was loaded needs a click or a key again.
    for (const event of ["pointerdown", "keydown"]) window.addEventListener(event, unlock, { once: true });
  }

  announce(alerts: readonly Alert[]): void {
    const { settings } = this.store.state;
    if (settings.sound) this.chime.play();
    if (settings.notify) for (const message of this.messages(alerts)) this.show(message);
  }

  private messages(alerts: readonly Alert[]): Message[] {
    const first = alerts[0];
    if (first === undefined) return [];
    if (alerts.length > MAX_SINGLE) {
      const names = alerts.slice(0, MAX_NAMED).map((alert) => `${title(alert.state)} ${alertText(alert)}`);
      const others = alerts.length - names.length;
      return [
        {
          title: `${alerts.length} new alerts`,
          body: [...names, ...(others > 0 ? [`and ${others} more`] : [])].join("\n"),
          tag: alertKey(first),
          onClick: () => {
            openPanel(this.store, "alerts");
          },
        },
      ];
    }
    return alerts.map((alert) => ({
      title: `${title(alert.state)}: ${alertText(alert)}`,
      body: `Since ${clock(alert.since)}, rule ${alert.rule}`,
      tag: alertKey(alert),
      onClick: () => void showAircraftOf(this.store, alert),
    }));
  }
}
