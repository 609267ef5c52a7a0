import type { Alert } from "./alert.ts";
import { Connection } from "./connection.ts";
import type { ConnectionState, Platform } from "./connection.ts";
import type { Picture } from "./picture.ts";
import type { Scope } from "./state.ts";

/** What a client streams, and its callbacks. */
export interface StreamOptions {
  /** The address of `/api/v1/stream`; absolute outside a browser. */
  readonly url: string;
  /** Which aircraft to stream; all of them by default. */
  readonly scope?: Scope;
  /** Called whenever the picture is complete. */
  readonly onPicture: (picture: Picture, scope: Scope) => void;
  /** Called when the active alerts have changed: all of them, worldwide, newest first. */
  readonly onAlerts?: (alerts: readonly Alert[]) => void;
  /** Called when the state of the connection has changed. */
  readonly onState?: (state: ConnectionState) => void;
  /** Replaces parts of the platform, for tests. */
  readonly platform?: Partial<Platform>;
}

/**
 * A client of `/api/v1/stream`: connects, keeps the picture, and resumes after an interruption.
 *
 * A change of scope opens a second connection; the first one stays until the new picture is complete, so that the picture
 * is never empty in between.
 */
export class StreamClient {
  private scope: Scope;
  private shown: Connection | undefined;
  private next: Connection | undefined;
  /** Identifies the alerts of the latest `onAlerts` call. */
  private reportedAlerts = "";

  constructor(private readonly options: StreamOptions) {
    this.scope = options.scope ?? {};
  }

  /** Connects, unless connected. */
  start(): void {
    if (this.shown !== undefined) return;
    this.shown = this.connection(this.scope);
    this.shown.open();
  }

  /** Disconnects. The latest picture stays unchanged. */
  stop(): void {
    this.shown?.close();
    this.next?.close();
    this.shown = undefined;
    this.next = undefined;
    this.options.onState?.({ kind: "stopped" });
  }

  /** Changes the scope. */
  setScope(scope: Scope): void {
    this.scope = scope;
    if (this.shown === undefined) return;
    this.next?.close();
    this.next = this.connection(scope);
    this.next.open();
  }

  /** The delivery delay of the latest event, milliseconds; exact where both clocks are. */
  get lag(): number | undefined {
    return this.shown?.lag;
  }

  /** Each connection sends the alerts again: reports them only where they have changed. */
  private reportAlerts(alerts: readonly Alert[]): void {
    const key = alerts.map(({ rule, icao24, since, detail }) => `${rule} ${icao24} ${since} ${detail}`).join();
    if (key === this.reportedAlerts) return;
    this.reportedAlerts = key;
    this.options.onAlerts?.(alerts);
  }

  private connection(scope: Scope): Connection {
    const connection: Connection = new Connection(this.options.url, scope, this.options.platform ?? {}, {
      onPicture: (picture) => {
        if (connection === this.next) {
          this.shown?.close();
          this.shown = connection;
          this.next = undefined;
        }
        this.options.onPicture(picture, scope);
        this.reportAlerts(picture.alerts);
        if (connection === this.shown) this.options.onState?.(connection.state);
      },
      onState: (state) => {
        if (connection === this.shown) this.options.onState?.(state);
        // A refused scope does not end the connection that works, but is reported.
        else if (connection === this.next && state.kind === "refused") this.options.onState?.(state);
      },
    });
    return connection;
  }
}
