import { h, setText, show } from "../ui/dom.ts";
import type { Chime } from "./chime.ts";
import { askForNotifications, notificationAccess } from "./notifications.ts";
import type { NotificationAccess } from "./notifications.ts";
import type { PageStore } from "./state.ts";

/** Why there are no notifications. */
const REASONS: Readonly<Record<Exclude<NotificationAccess, "granted">, string>> = {
  default: "The browser did not get an answer, so notifications stay off.",
  denied: "The browser blocks notifications of this page. Allow them in its site settings, then try again.",
  unsupported: "This browser shows no notifications of this page. They need HTTPS, or a server on this machine.",
};

/** The choices of how new alerts are announced. The browser shows its prompt only after a click. */
export function announcementSettings(store: PageStore, chime: Chime): HTMLElement {
  const notifications = h("input", { type: "checkbox", "aria-describedby": "notifications-problem" });
  const sound = h("input", { type: "checkbox" });
  const problem = h("p", { id: "notifications-problem", class: "field-problem", role: "status" });
  const choose = (change: { readonly notify?: boolean; readonly sound?: boolean }): void => {
    store.set({ settings: { ...store.state.settings, ...change } });
  };
  const explain = (access: NotificationAccess): void => {
    setText(problem, access === "granted" ? "" : REASONS[access]);
    show(problem, access !== "granted");
  };
  notifications.addEventListener("change", () => {
    void turn(notifications.checked);
  });
  async function turn(on: boolean): Promise<void> {
    if (on) {
      const access = await askForNotifications().catch(() => notificationAccess());
      explain(access);
      choose({ notify: access === "granted" });
    } else {
      show(problem, false);
      choose({ notify: false });
    }
    update();
  }
  sound.addEventListener("change", () => {
    if (sound.checked) {
      chime.unlock();
      // The user hears what an alert sounds like.
      window.setTimeout(() => {
        chime.play();
      }, 200);
    }
    choose({ sound: sound.checked });
  });
  function update(): void {
    const { settings } = store.state;
    const access = notificationAccess();
    notifications.disabled = access === "unsupported";
    // The user may have taken the permission back in the meantime.
    notifications.checked = settings.notify && access === "granted";
    if (access === "unsupported" || (settings.notify && access === "denied")) explain(access);
    sound.checked = settings.sound;
  }
  store.on(["settings", "panel"], update);
  show(problem, false);
  update();
  return h(
    "div",
    { class: "announcements" },
    h("h3", {}, "New alerts"),
    h("label", { class: "check" }, notifications, "Show browser notifications"),
    problem,
    h("label", { class: "check" }, sound, "Play a sound"),
    h(
      "p",
      { class: "note" },
      "With either of them, the page also follows alerts while its tab is hidden. Nothing is announced during a replay. After a reload, browsers play sound only once you have clicked or typed on the page.",
    ),
  );
}
