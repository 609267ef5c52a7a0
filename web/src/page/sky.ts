import { health, replayed } from "../model/health.ts";
import type { Health, ServerStatus } from "../model/health.ts";
import type { ReplayLink } from "../model/link.ts";
import { scopeAround, stillFits } from "../model/geometry.ts";
import { StreamClient } from "../stream/index.ts";
import type { Alert, Box, ConnectionState, Picture, StateVector } from "../stream/index.ts";
import { serverAddress } from "./base.ts";
import { Replay } from "./replay.ts";
import { ReplayBar } from "./replay-bar.ts";

/** Whom to tell. */
export interface SkyEvents {
  /** Other states are held. */
  readonly onStates: () => void;
  /** The connection to the live picture is another way than before. */
  readonly onConnection: () => void;
  /** From now on the past is shown, or the present again. */
  readonly onTime: () => void;
  /** A moment is shown that does not follow the one before, of the past or the present. */
  readonly onJump: () => void;
}

/** What is known of the sky at the moment that is shown: of the present by the live stream, of the past by a replay. */
export class Sky {
  /** The aircraft in the part of the sky that is looked at, and around it. */
  held: readonly StateVector[] = [];
  /** Whether what is held was loaded for the time that is shown. */
  isLoaded = false;
  private picture: Picture | undefined;
  private connection: ConnectionState = { kind: "connecting" };
  private scope: Box | undefined;
  /** The frame in which the newest picture will be shown. */
  private frame: number | undefined;
  private readonly client = new StreamClient({
    url: serverAddress("api/v1/stream"),
    onPicture: (picture) => {
      this.picture = picture;
      // A poll comes as several updates, close upon one another: what comes before the next frame is shown with it.
      this.frame ??= requestAnimationFrame(() => {
        this.showPicture();
      });
    },
    onState: (state) => {
      this.connection = state;
      this.events.onConnection();
    },
  });
  readonly replayBar = new ReplayBar({
    onSeek: (at) => {
      this.replay.seek(at);
    },
    onLeave: () => {
      this.replay.end();
    },
  });
  private readonly replay = new Replay(this.replayBar, {
    onBegin: () => {
      this.client.stop();
      this.held = [];
      this.isLoaded = false;
      this.events.onTime();
      this.events.onStates();
      this.events.onJump();
    },
    onMoment: (states) => {
      this.held = states;
      this.isLoaded = states.length > 0 || !this.replay.isLoading;
      this.events.onStates();
    },
    onJump: () => {
      this.events.onJump();
    },
    onEnd: () => {
      this.subscribe();
      this.wake();
      this.held = [];
      this.isLoaded = false;
      this.events.onTime();
      this.events.onStates();
      this.events.onJump();
    },
  });

  constructor(private readonly events: SkyEvents) {}

  /** Whether a replay is shown. */
  get isPast(): boolean {
    return this.replay.isOn;
  }

  /** The moment that is shown, Unix seconds. */
  get now(): number {
    return this.replay.at ?? Date.now() / 1000;
  }

  /** When the source said what is shown, Unix seconds. */
  get observedAt(): number | undefined {
    return this.replay.at ?? this.picture?.observedAt;
  }

  /** The source's newest answer, which says how old positions are; `undefined` in a replay, where each state says it of itself. */
  get answeredAt(): number | undefined {
    return this.isPast ? undefined : this.picture?.observedAt;
  }

  /** Who squawks an emergency at present, anywhere. */
  get alerts(): readonly Alert[] {
    return this.isPast ? [] : (this.picture?.alerts ?? []);
  }

  /** How old the live picture is, seconds, and how long its newest event was on its way, milliseconds. */
  get delays(): { ageSeconds: number | undefined; lagMs: number | undefined } {
    const { observedAt } = this;
    if (this.isPast) return { ageSeconds: undefined, lagMs: undefined };
    return { ageSeconds: observedAt === undefined ? undefined : this.now - observedAt, lagMs: this.client.lag };
  }

  /** How good the picture is. */
  health(status: ServerStatus | undefined): Health {
    const { connection, observedAt, now } = this;
    return this.isPast ? replayed(now) : health({ connection, status, observedAt, now });
  }

  find(icao24: string | undefined): StateVector | undefined {
    return icao24 === undefined ? undefined : this.held.find((state) => state.icao24 === icao24);
  }

  /** Asks for what this view needs, where that is another part of the sky; longitudes may go on beyond ±180. */
  look(view: Box): void {
    if (stillFits(this.scope, view)) return;
    this.scope = scopeAround(view);
    if (this.isPast) this.replay.look(this.scope);
    else this.subscribe();
  }

  /** Has the present come, unless the past is looked at or nobody looks. */
  wake(): void {
    if (!this.isPast && !document.hidden) this.client.start();
  }

  /** Asks for nothing while nobody looks. */
  rest(): void {
    this.replay.pause();
    this.client.stop();
  }

  /** Goes to the past, or back to the present. */
  toggleReplay(status: ServerStatus | undefined): void {
    if (this.isPast) this.replay.end();
    else this.replay.begin(this.scope, status?.source);
  }

  /** Goes to a moment of the past, or back to the present, as a link says it. */
  follow(link: ReplayLink | undefined, status: ServerStatus | undefined): void {
    if (link === undefined) this.replay.end();
    else if (this.isPast) this.replay.seek(link.at);
    else this.replay.begin(this.scope, status?.source, link);
  }

  /** Where the replay is. */
  get replayLink(): ReplayLink | undefined {
    return this.replay.link;
  }

  private subscribe(): void {
    this.client.setScope(this.scope === undefined ? {} : { box: this.scope });
  }

  private showPicture(): void {
    this.frame = undefined;
    if (this.isPast || this.picture === undefined) return;
    this.held = [...this.picture.aircraft()];
    this.isLoaded = true;
    this.events.onStates();
  }
}
