import type { AircraftMap } from "../map/aircraft-map.ts";
import type { StateVector } from "../stream/index.ts";
import type { Frame } from "./frame.ts";
import type { PageState, PageStore } from "./state.ts";

/** Moves the map to the store's target, and with a followed aircraft, into the part that nothing covers. */
export class Camera {
  private map: AircraftMap | undefined;

  constructor(
    private readonly store: PageStore,
    private readonly frame: Frame,
  ) {
    store.on(["aircraft", "traffic", "panel", "player"], ({ following, aircraft }) => {
      if (following && aircraft !== undefined) this.lookAt(aircraft);
    });
    store.on(["target", "aircraft"], (state) => {
      this.goToTarget(state);
    });
  }

  /** The map has loaded. */
  attach(map: AircraftMap): void {
    this.map = map;
    this.goToTarget(this.store.state);
  }

  private goToTarget({ target, aircraft }: PageState): void {
    if (this.map === undefined || target === undefined) return;
    if ("view" in target) this.map.jumpTo(target.view);
    else {
      const state = target.state ?? (aircraft?.icao24 === target.icao24 ? aircraft : undefined);
      if (state === undefined) return;
      if (target.ifHidden !== true || this.isHidden(this.map, state)) this.lookAt(state, target.zoom);
    }
    if (this.store.state.target === target) this.store.set({ target: undefined });
  }

  private lookAt(state: StateVector, zoom?: number): void {
    const { lat, lon } = state;
    if (lat === null || lon === null) return;
    const { x, y } = this.frame.freeCentre();
    const { clientWidth, clientHeight } = this.frame.map;
    this.map?.goTo(lat, lon, [x - clientWidth / 2, y - clientHeight / 2], zoom);
  }

  private isHidden(map: AircraftMap, state: StateVector): boolean {
    const place = map.screen(state);
    return place === undefined || this.frame.isCovered(place);
  }
}
