import { serverAddress } from "../api/address.ts";
import type { SourceStatus } from "../api/types.ts";
import { scopeAround, stillFits } from "../model/geometry.ts";
import type { ReplayLink } from "../model/link.ts";
import { StreamClient } from "../stream/index.ts";
import type { Alert, Box, Picture, Scope, StateVector } from "../stream/index.ts";
import { Replay } from "./replay.ts";
import { NO_TRAFFIC } from "./state.ts";
import type { PageStore, Traffic as ShownTraffic } from "./state.ts";

/** The scope of a stream that is only needed for its alerts. No aircraft has this address. */
const NO_AIRCRAFT: Scope = { icao24: ["000000"] };

/** Keeps the traffic in the store: live traffic by the stream, past traffic by a replay. */
export class Traffic {
  private picture: Picture | undefined;
  private scope: Box | undefined;
  /** Whether the tab is hidden and follows the alerts. */
  private followsAlerts = false;
  /** The animation frame that shows the latest picture. */
  private frame: number | undefined;
  private readonly client = new StreamClient({
    url: serverAddress("api/v1/stream"),
    onPicture: (picture, scope) => {
      if (scope === NO_AIRCRAFT) {
        // Nothing is drawn in a hidden tab; the aircraft stay as they were.
        this.store.set({ traffic: { ...this.store.state.traffic, alerts: picture.alerts } });
        return;
      }
      this.picture = picture;
      // A poll arrives as several updates in a row: those before the next frame are shown with it.
      this.frame ??= requestAnimationFrame(() => {
        this.showPicture();
      });
    },
    onState: (connection) => {
      this.store.set({ connection });
    },
  });
  private readonly replay = new Replay({
    onPlayer: (player) => {
      this.store.set({ player });
    },
    onStep: () => {
      this.store.set({ step: this.store.state.step + 1 });
    },
    onBegin: () => {
      this.client.stop();
      this.jump(NO_TRAFFIC);
    },
    onMoment: (states, alerts) => {
      this.store.set({ traffic: this.recorded(states, alerts) });
    },
    onJump: () => {
      this.jump();
    },
    onEnd: () => {
      this.subscribe();
      this.resume();
      this.jump(this.live([], false));
    },
  });

  constructor(private readonly store: PageStore) {
    store.on(["box"], ({ box }) => {
      if (box !== undefined) this.setBox(box);
    });
    store.on(["isHidden"], ({ isHidden }) => {
      if (isHidden) this.hide();
      else this.reveal();
    });
  }

  /** Connects to the stream, unless a replay is shown or the tab is hidden. */
  resume(): void {
    if (!this.replay.isOn && !document.hidden) this.client.start();
  }

  /** Begins a replay, or returns to live traffic. */
  toggleReplay(): void {
    if (this.replay.isOn) this.replay.end();
    else this.replay.begin(this.scope, this.sources);
  }

  /** Shows the time that a link names: a replay from there, or live traffic. */
  follow(link: ReplayLink | undefined): void {
    if (link === undefined) this.replay.end();
    else if (this.replay.isOn) this.replay.seek(link.at);
    else this.replay.begin(this.scope, this.sources, link);
  }

  /** Goes to a moment of the replay, Unix seconds. */
  seek(at: number): void {
    this.replay.seek(at);
  }

  goLive(): void {
    this.replay.end();
  }

  private get sources(): readonly SourceStatus[] {
    return this.store.state.status?.sources ?? [];
  }

  /** Disconnects a hidden tab, unless it announces alerts: then it streams these alone. */
  private hide(): void {
    this.replay.pause();
    const { settings, traffic } = this.store.state;
    this.followsAlerts = (settings.notify || settings.sound) && traffic.isLoaded && !this.replay.isOn;
    if (this.followsAlerts) this.client.setScope(NO_AIRCRAFT);
    else this.client.stop();
  }

  private reveal(): void {
    if (this.followsAlerts) this.subscribe();
    this.followsAlerts = false;
    this.resume();
  }

  /** Requests what a view needs, where it differs from what was requested. */
  private setBox(view: Box): void {
    if (stillFits(this.scope, view)) return;
    this.scope = scopeAround(view);
    if (this.replay.isOn) this.replay.setBox(this.scope);
    else this.subscribe();
  }

  private subscribe(): void {
    this.client.setScope(this.scope === undefined ? {} : { box: this.scope });
  }

  private jump(traffic: ShownTraffic = this.store.state.traffic): void {
    this.store.set({ traffic, jumps: this.store.state.jumps + 1 });
  }

  private showPicture(): void {
    this.frame = undefined;
    if (this.replay.isOn || this.picture === undefined) return;
    this.store.set({ traffic: this.live([...this.picture.aircraft()], true) });
  }

  private live(held: readonly StateVector[], isLoaded: boolean): ShownTraffic {
    const { alerts = [], observedAt } = this.picture ?? {};
    return { held, isLoaded, alerts, observedAt, lagMs: this.client.lag };
  }

  private recorded(held: readonly StateVector[], alerts: readonly Alert[]): ShownTraffic {
    const isLoaded = held.length > 0 || !this.replay.isLoading;
    return { ...NO_TRAFFIC, held, isLoaded, alerts };
  }
}
