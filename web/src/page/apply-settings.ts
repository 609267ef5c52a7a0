import { setZone } from "../model/time.ts";
import { setTransitionAltitude } from "../model/units.ts";
import { Theme } from "../ui/theme.ts";
import { storeSettings } from "./settings.ts";
import type { PageStore } from "./state.ts";

/** Applies the store's settings to the page, and stores them when they change. */
export function applySettings(store: PageStore): void {
  const theme = new Theme(store.state.settings.theme, (theme) => {
    store.set({ theme });
  });
  const apply = (): void => {
    const { zone, transition } = store.state.settings;
    setZone(zone);
    setTransitionAltitude(transition);
  };
  apply();
  store.on(["settings"], ({ settings }) => {
    storeSettings(settings);
    apply();
    theme.set(settings.theme);
  });
}
