import { findRecording } from "../api/history.ts";
import type { SourceStatus } from "../api/types.ts";
import type { ReplayLink } from "../model/link.ts";
import { isAnswering } from "../model/sources.ts";
import type { Alert, Box, StateVector } from "../stream/index.ts";
import { Player } from "./player.ts";
import type { PollTiming } from "./player.ts";

/** How far back a replay begins where traffic of that time is recorded, seconds. */
const BACK = 15 * 60;
/** Bounds of how long an aircraft stays in the picture after its last contact, seconds. */
const HOLD = { min: 300, max: 3600 };
/** Within this time a response of the source is stored; its newest state is about as old. Seconds. */
const MAX_STORAGE_DELAY = 15;

export interface ReplayEvents {
  /** Called to show a player, or none. */
  readonly onPlayer: (player: Player | undefined) => void;
  /** Time has passed in the player. */
  readonly onStep: () => void;
  /** Past traffic replaces live traffic. */
  readonly onBegin: () => void;
  /** Other states are shown. */
  readonly onMoment: (states: StateVector[], alerts: Alert[]) => void;
  /** The moment does not follow the previous one. */
  readonly onJump: () => void;
  /** Called to return to live traffic. */
  readonly onEnd: () => void;
}

/** Replays recorded traffic in place of live traffic. */
export class Replay {
  private player: Player | undefined;
  /** A player that may still move to the nearest recording, because the user has not chosen a moment. */
  private opening: Player | undefined;

  constructor(private readonly events: ReplayEvents) {}

  /** The moment that is shown, Unix seconds; `undefined` outside a replay. */
  get at(): number | undefined {
    return this.player?.at;
  }

  /** Whether the traffic of the moment is being loaded. */
  get isLoading(): boolean {
    return this.player?.state.kind === "loading";
  }

  get isOn(): boolean {
    return this.player !== undefined;
  }

  /** Begins with past traffic in a box. The sources give the poll intervals, and thereby how long an aircraft may be silent. */
  begin(box: Box | undefined, sources: readonly SourceStatus[], start?: ReplayLink): void {
    if (this.player !== undefined) return;
    const timing = pollTiming(sources);
    // With a long poll interval there is nothing to play of the last two intervals.
    const begin = start?.at ?? Date.now() / 1000 - Math.max(BACK, 2 * timing.late);
    const player = new Player(begin, box, timing, {
      onMoment: (changed) => {
        this.events.onStep();
        if (changed) this.events.onMoment(player.states(), player.alerts());
      },
    });
    if (start?.speed !== undefined) player.speed = start.speed;
    this.player = player;
    this.opening = start === undefined ? player : undefined;
    this.events.onPlayer(player);
    this.events.onBegin();
    if (start !== undefined) return;
    void findRecording(begin).then((at) => {
      // The user may have chosen a moment or left in the meantime.
      if (at === undefined || at === begin || this.opening !== player) return;
      this.jump(player, at);
      this.events.onPlayer(player);
    });
  }

  /** The moment and the speed; `undefined` outside a replay. */
  get link(): ReplayLink | undefined {
    return this.player && { at: this.player.at, speed: this.player.speed };
  }

  /** Goes to a moment, Unix seconds. */
  seek(at: number): void {
    this.opening = undefined;
    if (this.player !== undefined) this.jump(this.player, at);
  }

  /** Shows the traffic in another box. */
  setBox(box: Box | undefined): void {
    this.player?.setBox(box);
  }

  pause(): void {
    this.player?.play(false);
  }

  private jump(player: Player, at: number): void {
    player.seek(at);
    // The held states are of another moment.
    this.events.onMoment(player.states(), player.alerts());
    this.events.onJump();
  }

  /** Returns to live traffic. */
  end(): void {
    if (this.player === undefined) return;
    this.player.stop();
    this.player = undefined;
    this.opening = undefined;
    this.events.onPlayer(undefined);
    this.events.onEnd();
  }
}

/**
 * An aircraft stays in the picture for two poll intervals after its last contact, within bounds. Of several sources, the
 * slowest decides that, and the fastest how late traffic is stored.
 */
function pollTiming(sources: readonly SourceStatus[]): PollTiming {
  // The next poll of a source that does not answer is no interval after its last answer.
  const answering = sources.filter(isAnswering);
  const intervals = (answering.length === 0 ? sources : answering).flatMap(({ response_time, next_poll_at }) =>
    response_time === null || next_poll_at === null ? [] : [next_poll_at - response_time],
  );
  // An unknown interval is assumed to be as long as the shortest hold allows.
  if (intervals.length === 0) intervals.push(HOLD.min / 2);
  const hold = Math.min(Math.max(HOLD.min, 2 * Math.max(...intervals)), HOLD.max);
  return { hold, late: Math.min(Math.max(Math.min(...intervals), 0), BACK) + MAX_STORAGE_DELAY };
}
