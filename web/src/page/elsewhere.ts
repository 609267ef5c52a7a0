import type { StateVector } from "../stream/index.ts";

/** Asked for again after so many milliseconds, whether it was found or not. */
const EVERY = 5_000;

/** What is known of an aircraft that the loaded area does not hold. */
export type Whereabouts =
  | { readonly kind: "loading" }
  | { readonly kind: "found"; readonly state: StateVector }
  /** The server knows no current state of it. */
  | { readonly kind: "absent" }
  /** The server did not answer. */
  | { readonly kind: "unavailable" };

/** Finds the selected aircraft by its address, wherever it is. */
export class Elsewhere {
  private known: Whereabouts = { kind: "loading" };
  private icao24: string | undefined;
  private askedAt = -Infinity;
  private asking: AbortController | undefined;

  constructor(
    private readonly find: (icao24: string, signal: AbortSignal) => Promise<StateVector | undefined>,
    private readonly onChange: () => void,
  ) {}

  /** What is known of an aircraft. */
  of(icao24: string): Whereabouts {
    return icao24 === this.icao24 ? this.known : { kind: "loading" };
  }

  /** Asks for an aircraft, unless it did so just now. To be called again and again while it is wanted. */
  want(icao24: string): void {
    if (icao24 !== this.icao24) this.forget();
    this.icao24 = icao24;
    if (this.asking !== undefined || Date.now() - this.askedAt < EVERY) return;
    this.askedAt = Date.now();
    const asking = new AbortController();
    this.asking = asking;
    void this.ask(icao24, asking);
  }

  /** Wants none, or the same one of another moment. */
  forget(): void {
    this.asking?.abort();
    this.asking = undefined;
    this.icao24 = undefined;
    this.askedAt = -Infinity;
    this.known = { kind: "loading" };
  }

  private async ask(icao24: string, asking: AbortController): Promise<void> {
    let known: Whereabouts;
    try {
      const state = await this.find(icao24, asking.signal);
      known = state === undefined ? { kind: "absent" } : { kind: "found", state };
    } catch {
      // What was found before stays, and its age tells that it is not news.
      known = this.known.kind === "found" ? this.known : { kind: "unavailable" };
    }
    if (this.asking !== asking) return;
    this.asking = undefined;
    this.known = known;
    this.onChange();
  }
}
