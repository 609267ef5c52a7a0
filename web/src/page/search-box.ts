import { title } from "../model/aircraft.ts";
import { search } from "../model/search.ts";
import { altitudeText } from "../model/units.ts";
import type { UnitSystem } from "../model/units.ts";
import type { StateVector } from "../stream/index.ts";
import { h, icon } from "./dom.ts";

const MOST = 8;
const HINT = "Callsign, address, country";
/** A field that is narrower than this, in CSS pixels, would cut the hint off. */
const HINT_FITS = 260;

/** What the search box asks of the page. */
export interface SearchEvents {
  /** Everything that can be found now. */
  readonly states: () => readonly StateVector[];
  /** Everything there is, also out of view, if it can be had. */
  readonly everywhere: () => Promise<readonly StateVector[]>;
  readonly units: () => UnitSystem;
  readonly onChoose: (state: StateVector) => void;
}

/** Finds aircraft by callsign, address or country: a text field with a list of suggestions (ARIA combobox). */
export class SearchBox {
  private readonly options = h("ul", { id: "found", role: "listbox", class: "found", "aria-label": "Search results" });
  private readonly input = h("input", {
    type: "search",
    role: "combobox",
    placeholder: HINT,
    "aria-label": "Search aircraft by callsign, address or country",
    "aria-controls": "found",
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
  });
  readonly element = h("div", { class: "search", role: "search" }, icon("search"), this.input, this.options);
  private found: StateVector[] = [];
  private at = -1;
  /** Where the focus was before. */
  private from: HTMLElement | undefined;
  /** Only the newest question's answer is shown. */
  private question = 0;

  constructor(private readonly events: SearchEvents) {
    this.options.hidden = true;
    new ResizeObserver(() => {
      this.input.placeholder = this.input.clientWidth < HINT_FITS ? "Search" : HINT;
    }).observe(this.input);
    this.input.addEventListener("input", () => {
      void this.look();
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

  private async look(): Promise<void> {
    const question = ++this.question;
    const text = this.input.value;
    this.offer(search(this.events.states(), text, MOST), text);
    if (text.trim().length < 2 || this.found.length >= MOST) return;
    // What is not in view may be elsewhere.
    let everywhere: StateVector[];
    try {
      everywhere = search(await this.events.everywhere(), text, MOST);
    } catch {
      if (question === this.question) this.offer(this.found, text, "Search outside the loaded area is unavailable");
      return;
    }
    if (question !== this.question) return;
    const known = new Set(this.found.map(({ icao24 }) => icao24));
    this.offer([...this.found, ...everywhere.filter(({ icao24 }) => !known.has(icao24))].slice(0, MOST), text);
  }

  private offer(found: StateVector[], text: string, problem?: string): void {
    this.found = found;
    this.at = found.length > 0 ? 0 : -1;
    const units = this.events.units();
    this.options.replaceChildren(
      ...found.map((state, i) => {
        const height = state.on_ground === true ? "on the ground" : altitudeText(state, units);
        const option = h(
          "li",
          { role: "option", id: `found-${i}` },
          h("strong", {}, title(state)),
          h("span", {}, [state.origin_country, state.icao24, height].filter(Boolean).join(" · ")),
        );
        // The text field keeps the focus, whose loss closes the list. The choice waits for the click: the list is gone after
        // it, and a tap's click would go to the map below.
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
      // What lies below stays open.
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
    this.events.onChoose(state);
  }

  private close(): void {
    this.question += 1;
    this.options.hidden = true;
    this.mark();
  }
}
