import { readKnownAircraft } from "../api/aircraft.ts";
import type { PageStore } from "./state.ts";

/** Keeps what is known about the selected aircraft in the store. Where it cannot be read, the page does not show it. */
export function knowSelected(store: PageStore): void {
  let loading: AbortController | undefined;
  store.on(["selected"], ({ selected }) => {
    loading?.abort();
    store.set({ known: undefined });
    if (selected === undefined) return;
    loading = new AbortController();
    void load(store, selected, loading.signal);
  });
}

async function load(store: PageStore, icao24: string, signal: AbortSignal): Promise<void> {
  try {
    const known = await readKnownAircraft(icao24, signal);
    if (!signal.aborted) store.set({ known });
  } catch {
    // The details are complete without it.
  }
}
