import type { SourceStatus } from "../model/health.ts";
import type { ReplayLink } from "../model/link.ts";
import type { Box, StateVector } from "../stream/index.ts";
import { Player } from "./player.ts";
import type { Spacing } from "./player.ts";
import type { ReplayBar } from "./replay-bar.ts";
import { storedFrom } from "./server.ts";

/** Where a replay begins, before the present, if something is stored of then. Seconds. */
const BACK = 15 * 60;
/** An aircraft that is not heard of stays in the picture for at least and at most so long, seconds. */
const HOLD = { least: 300, most: 3600 };
/** How long after it was received the source's answer is stored at the latest, and how old the newest in it is. Seconds. */
const STORED_AFTER = 15;

/** Whom to tell. */
export interface ReplayEvents {
  /** The past is shown in place of the present. */
  readonly onBegin: () => void;
  /** Another moment is shown, or the same one with more in it. */
  readonly onMoment: (states: StateVector[]) => void;
  /** The moment that is shown does not follow the one before. */
  readonly onJump: () => void;
  /** The present is wanted again. */
  readonly onEnd: () => void;
}

/** The stored past in the place of the present, from when somebody wants to see it until it is left. */
export class Replay {
  private player: Player | undefined;
  /** A player that may still go to where something is stored: nobody has chosen a moment yet. */
  private opening: Player | undefined;

  constructor(
    private readonly bar: Pick<ReplayBar, "show" | "update">,
    private readonly events: ReplayEvents,
  ) {}

  /** The moment that is shown, Unix seconds; `undefined`: the present. */
  get at(): number | undefined {
    return this.player?.at;
  }

  /** Whether what is stored of the moment is still to come. */
  get isLoading(): boolean {
    return this.player?.state.kind === "loading";
  }

  get isOn(): boolean {
    return this.player !== undefined;
  }

  /** Shows a part of the sky a while ago; the source tells by its answers how long an aircraft may be silent. */
  begin(box: Box | undefined, source: SourceStatus | null | undefined, start?: ReplayLink): void {
    if (this.player !== undefined) return;
    const spacing = spacingOf(source);
    // Where the source answers rarely, there is nothing to play of the time since its last answers.
    const begin = start?.at ?? Date.now() / 1000 - Math.max(BACK, 2 * spacing.late);
    const player = new Player(begin, box, spacing, {
      onMoment: (changed) => {
        this.bar.update();
        if (changed) this.events.onMoment(player.states());
      },
    });
    if (start?.speed !== undefined) player.speed = start.speed;
    this.player = player;
    this.opening = start === undefined ? player : undefined;
    this.bar.show(player);
    this.events.onBegin();
    if (start !== undefined) return;
    void storedFrom(begin).then((at) => {
      // Unless somebody has chosen a moment or left meanwhile.
      if (at === undefined || at === begin || this.opening !== player) return;
      this.jump(player, at);
      this.bar.show(player);
    });
  }

  /** Where it is and how fast it goes; `undefined`: the present is shown. */
  get link(): ReplayLink | undefined {
    return this.player && { at: this.player.at, speed: this.player.speed };
  }

  /** Goes to a moment, Unix seconds. */
  seek(at: number): void {
    this.opening = undefined;
    if (this.player !== undefined) this.jump(this.player, at);
  }

  /** Shows another part of the sky. */
  look(box: Box | undefined): void {
    this.player?.look(box);
  }

  pause(): void {
    this.player?.play(false);
  }

  private jump(player: Player, at: number): void {
    player.seek(at);
    // What was held is of another moment.
    this.events.onMoment(player.states());
    this.events.onJump();
  }

  /** Goes back to the present. */
  end(): void {
    if (this.player === undefined) return;
    this.player.stop();
    this.player = undefined;
    this.opening = undefined;
    this.bar.show(undefined);
    this.events.onEnd();
  }
}

/** An aircraft that is not heard of stays in the picture for two of the source's intervals, within bounds. */
function spacingOf(source: SourceStatus | null | undefined): Spacing {
  const { response_time = null, next_poll_at = null } = source ?? {};
  // Where nobody tells, as long as the least hold would allow.
  const interval = response_time === null || next_poll_at === null ? HOLD.least / 2 : next_poll_at - response_time;
  const hold = Math.min(Math.max(HOLD.least, 2 * interval), HOLD.most);
  return { hold, late: Math.min(Math.max(interval, 0), BACK) + STORED_AFTER };
}
