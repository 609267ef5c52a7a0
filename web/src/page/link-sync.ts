import { readLink, writeLink } from "../model/link.ts";
import type { PageState, PageStore } from "./state.ts";
import type { Traffic } from "./traffic.ts";

/** Keeps the page's address and the store equal. */
export class LinkSync {
  constructor(
    private readonly store: PageStore,
    private readonly traffic: Traffic,
  ) {
    store.on(["selected", "view", "panel", "filter", "player", "pendingReplay"], (state) => {
      this.write(state);
    });
    store.on(["tick"], (state) => {
      // The address names the moment of a replay.
      if (state.player !== undefined) this.write(state);
    });
    window.addEventListener("hashchange", () => {
      this.read();
    });
  }

  private write({ view, selected, panel, filter, player, pendingReplay }: PageState): void {
    if (view === undefined) return;
    const replay = pendingReplay ?? (player && { at: player.at, speed: player.speed });
    const link = writeLink({
      ...(selected !== undefined && { icao24: selected }),
      view,
      ...(panel !== undefined && { panel }),
      filter,
      ...(replay !== undefined && { replay }),
    });
    if (link === location.hash) return;
    history.replaceState(null, "", `${location.pathname}${location.search}${link}`);
  }

  private read(): void {
    const { icao24, view, panel, filter = {}, replay } = readLink(location.hash);
    const { state } = this.store;
    const seek = icao24 === undefined ? undefined : { icao24, zoom: 6 };
    this.store.set({
      filter,
      panel,
      selected: icao24,
      focusFollows: false,
      target: view === undefined ? seek : { view },
      ...(panel !== undefined && panel !== state.panel && { front: "panel" }),
      ...(icao24 !== state.selected && { following: false, front: icao24 === undefined ? "panel" : "details" }),
    });
    this.traffic.follow(replay);
  }
}
