import { everyKnownAircraft } from "../api/aircraft.ts";
import { everyAircraft } from "../api/flights.ts";
import type { KnownAircraft } from "../api/types.ts";
import { title } from "../model/aircraft.ts";
import { operatorOf } from "../model/facts.ts";
import { search } from "../model/search.ts";
import { altitudeText } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { h, icon } from "../ui/dom.ts";
import { goTo } from "./state.ts";
import type { PageStore } from "./state.ts";

import "./search-box.css";

const MAX_RESULTS = 8;
const HINT = "Callsign, registration or type";
const NAME = "Search aircraft by callsign, registration, type, operator, ICAO address or country";
/** A narrower field would cut the hint off, CSS pixels. */
const MIN_HINT_WIDTH = 300;

/**
 * Finds aircraft by callsign, registration, type, operator, ICAO address or country: a text field with a list of
 * suggestions (ARIA combobox).
 */
export class SearchBox {
  private readonly options = h("ul", { id: "found", role: "listbox", class: "found", "aria-label": "Search results" });
  private readonly input = h("input", {
    type: "search",
    role: "combobox",
    placeholder: HINT,
    "aria-label": NAME,
    "aria-controls": "found",
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
  });
  readonly element = h("div", { class: "search", role: "search" }, icon("search"), this.input, this.options);
  private found: StateVector[] = [];
  private at = -1;
  /** The element that had the focus before. */
  private from: HTMLElement | undefined;
  /** Counts the searches: only the latest one is shown. */
  private latest = 0;

  constructor(private readonly store: PageStore) {
    this.options.hidden = true;
    new ResizeObserver(() => {
      this.input.placeholder = this.input.clientWidth < MIN_HINT_WIDTH ? "Search" : HINT;
    }).observe(this.input);
    this.input.addEventListener("input", () => {
      void this.search();
    });
    this.input.addEventListener("keydown", (event) => {
      this.key(event);
    });
    this.input.addEventListener("blur", () => {
      this.close();
    });
  }

  focus(): void {
    const active = document.activeElement;
    if (active instanceof HTMLElement && active !== this.input && active !== document.body) this.from = active;
    this.input.focus();
    this.input.select();
  }

  private async search(): Promise<void> {
    const number = ++this.latest;
    const text = this.input.value;
    const { traffic, facts } = this.store.state;
    this.offer(search(traffic.held, text, MAX_RESULTS, facts.known), text, facts.known);
    // Past traffic is known only in the loaded area.
    const isComplete = this.found.length >= MAX_RESULTS || this.store.state.player !== undefined;
    if (text.trim().length < 2 || isComplete) return;
    let states: readonly StateVector[];
    let known: ReadonlyMap<string, KnownAircraft>;
    try {
      const [world, aircraft] = await Promise.all([everyAircraft(), everyKnownAircraft()]);
      states = world;
      known = new Map([...aircraft.map((one) => [one.icao24, one] as const), ...facts.known]);
    } catch {
      if (number === this.latest) {
        this.offer(this.found, text, facts.known, "Search outside the loaded area is unavailable");
      }
      return;
    }
    if (number !== this.latest) return;
    const before = new Set(this.found.map(({ icao24 }) => icao24));
    const others = search(states, text, MAX_RESULTS, known).filter(({ icao24 }) => !before.has(icao24));
    this.offer([...this.found, ...others].slice(0, MAX_RESULTS), text, known);
  }

  private offer(found: StateVector[], text: string, known: ReadonlyMap<string, KnownAircraft>, problem?: string): void {
    this.found = found;
    this.at = found.length > 0 ? 0 : -1;
    const { units } = this.store.state.settings;
    this.options.replaceChildren(
      ...found.map((state, i) => {
        const height = state.on_ground === true ? "on the ground" : altitudeText(state, units);
        const facts = known.get(state.icao24);
        const who = [facts?.registration, facts?.type].filter(Boolean).join(" · ");
        const whose = operatorOf(facts) ?? state.origin_country;
        const option = h(
          "li",
          { role: "option", id: `found-${i}` },
          h("strong", {}, title(state)),
          who !== "" && ` ${who}`,
          h("span", {}, [whose, state.icao24, height].filter(Boolean).join(" · ")),
        );
        // The text field keeps the focus, because losing it closes the list. The choice waits for the click: if the list
        // closed before, a tap's click would go to the map below.
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
        });
        option.addEventListener("click", () => {
          this.choose(state);
        });
        return option;
      }),
    );
    const note = problem ?? (found.length === 0 && text.trim() !== "" ? "No matches" : undefined);
    if (note !== undefined) {
      this.options.append(
        h("li", { class: "none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, note),
      );
    }
    this.options.hidden = text.trim() === "";
    this.mark();
  }

  private mark(): void {
    [...this.options.children].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === this.at));
    });
    this.input.setAttribute("aria-expanded", String(!this.options.hidden));
    if (this.at === -1 || this.options.hidden) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `found-${this.at}`);
  }

  private key(event: KeyboardEvent): void {
    const { length } = this.found;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && length > 0) {
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + length) % length;
      this.mark();
    } else if (event.key === "Enter") {
      const state = this.found[this.at];
      if (state !== undefined) this.choose(state);
    } else if (event.key === "Escape") {
      // An open panel stays open.
      event.preventDefault();
      const wasOpen = !this.options.hidden;
      this.input.value = "";
      this.close();
      if (wasOpen) return;
      this.input.blur();
      if (this.from?.isConnected === true) this.from.focus({ preventScroll: true });
    }
  }

  private choose(state: StateVector): void {
    this.input.value = title(state);
    this.close();
    goTo(this.store, state);
  }

  private close(): void {
    this.latest += 1;
    this.options.hidden = true;
    this.mark();
  }
}
