import type { Alert } from "./alert.ts";
import { Connection } from "./connection.ts";
import type { ConnectionState, Surroundings } from "./connection.ts";
import type { Picture } from "./picture.ts";
import type { Scope } from "./state.ts";

/** What a client is to do, and whom to tell. */
export interface StreamOptions {
  /** The address of `/api/v1/stream`, absolute where there is no page to complete it. */
  readonly url: string;
  /** The part of the sky; all of it where there is none. */
  readonly scope?: Scope;
  /** The picture is complete, for the first time or again. */
  readonly onPicture: (picture: Picture, scope: Scope) => void;
  /** Others squawk an emergency than before: these, in the whole world, the newest first. */
  readonly onAlerts?: (alerts: readonly Alert[]) => void;
  /** The connection is another way than before. */
  readonly onState?: (state: ConnectionState) => void;
  /** In place of the platform's. */
  readonly surroundings?: Partial<Surroundings>;
}

/**
 * A client of `/api/v1/stream`: connects, keeps the picture, resumes after whatever cuts the connection.
 *
 * Another scope is connected to beside the present one, which goes on until the new picture is complete: what is shown
 * never goes empty in between.
 */
export class StreamClient {
  private scope: Scope;
  private shown: Connection | undefined;
  private next: Connection | undefined;
  /** What was told of the alerts last. */
  private told = "";

  constructor(private readonly options: StreamOptions) {
    this.scope = options.scope ?? {};
  }

  /** Connects, if it is not connected. */
  start(): void {
    if (this.shown !== undefined) return;
    this.shown = this.connection(this.scope);
    this.shown.open();
  }

  /** Ends the connection. What was given to `onPicture` stays as it is. */
  stop(): void {
    this.shown?.close();
    this.next?.close();
    this.shown = undefined;
    this.next = undefined;
    this.options.onState?.({ kind: "stopped" });
  }

  /** Goes over to another part of the sky. */
  setScope(scope: Scope): void {
    this.scope = scope;
    if (this.shown === undefined) return;
    this.next?.close();
    this.next = this.connection(scope);
    this.next.open();
  }

  /** How long the newest event was on its way, in milliseconds, as far as both clocks are right. */
  get lag(): number | undefined {
    return this.shown?.lag;
  }

  /** Each connection brings the alerts anew. */
  private tell(alerts: readonly Alert[]): void {
    const key = alerts.map(({ icao24, squawk, since }) => `${icao24} ${squawk} ${since}`).join();
    if (key === this.told) return;
    this.told = key;
    this.options.onAlerts?.(alerts);
  }

  private connection(scope: Scope): Connection {
    const connection: Connection = new Connection(this.options.url, scope, this.options.surroundings ?? {}, {
      onPicture: (picture) => {
        if (connection === this.next) {
          this.shown?.close();
          this.shown = connection;
          this.next = undefined;
        }
        this.options.onPicture(picture, scope);
        this.tell(picture.alerts);
        if (connection === this.shown) this.options.onState?.(connection.state);
      },
      onState: (state) => {
        if (connection === this.shown) this.options.onState?.(state);
        // What refuses the new scope is no reason to lose the one that works, but it has to be seen.
        else if (connection === this.next && state.kind === "refused") this.options.onState?.(state);
      },
    });
    return connection;
  }
}
