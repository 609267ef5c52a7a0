import type { SkyMap } from "../map/sky-map.ts";
import type { StateVector } from "../stream/index.ts";
import type { Frame } from "./frame.ts";

/** Brings aircraft into the part of the map that nothing covers. */
export class Camera {
  private map: SkyMap | undefined;
  /** What to look at once the map has come: the stream is there before it. */
  private aim: { readonly state: StateVector; readonly zoom: number | undefined } | undefined;

  constructor(private readonly frame: Frame) {}

  /** Has the map from now on; who was to be looked at before is gone to, if it is still selected. */
  attach(map: SkyMap, selected: string | undefined): void {
    this.map = map;
    const { aim } = this;
    if (aim !== undefined && aim.state.icao24 === selected) this.lookAt(aim.state, aim.zoom);
  }

  /** Moves to an aircraft, at least as near as `zoom`. */
  lookAt(state: StateVector, zoom?: number): void {
    const { lat, lon } = state;
    if (this.map === undefined) this.aim = { state, zoom: zoom ?? this.aim?.zoom };
    if (this.map === undefined || lat === null || lon === null) return;
    const { x, y } = this.frame.freeCentre();
    const { clientWidth, clientHeight } = this.frame.map;
    this.map.goTo(lat, lon, [x - clientWidth / 2, y - clientHeight / 2], zoom);
  }

  /** Moves to an aircraft that cannot be seen. */
  reveal(state: StateVector): void {
    const place = this.map?.screen(state);
    if (place === undefined || this.frame.isCovered(place)) this.lookAt(state);
  }
}
