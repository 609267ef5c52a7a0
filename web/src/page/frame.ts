import { focus, freeArea, isCovered } from "../model/free-area.ts";
import type { Area, Point, Size } from "../model/free-area.ts";
import type { PanelName } from "../model/link.ts";
import { h, icon, setText, show } from "./dom.ts";
import { FocusReturn } from "./focus.ts";

/** What opens beside the map, one at a time. */
const PANELS = [
  ["list", "List"],
  ["filters", "Filters"],
  ["statistics", "Statistics"],
  ["settings", "Settings"],
] as const satisfies readonly (readonly [PanelName, string])[];

/** The parts that the frame puts in their places. */
export interface Parts {
  readonly search: HTMLElement;
  readonly status: HTMLElement;
  readonly cries: HTMLElement;
  readonly chips: HTMLElement;
  readonly legend: HTMLElement;
  readonly details: HTMLElement;
  readonly replayBar: HTMLElement;
  readonly panels: Readonly<Record<PanelName, HTMLElement>>;
}

/** What somebody wants of it. */
export interface FrameEvents {
  /** Another panel, or none. */
  readonly onPanel: (panel: PanelName | undefined) => void;
  readonly onReplay: () => void;
}

/** The page's layout: the bar, the map, and what lies over it. */
export class Frame {
  /** Where the map is drawn. */
  readonly map = h("div", { class: "map" });
  /** The panel that is open. */
  panel: PanelName | undefined;
  private readonly empty = h("p", { class: "empty", role: "status" });
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private readonly buttons = new Map<PanelName, HTMLButtonElement>();
  private readonly replayButton: HTMLButtonElement;
  private readonly focus: ReadonlyMap<PanelName, FocusReturn>;

  constructor(
    root: HTMLElement,
    private readonly parts: Parts,
    private readonly events: FrameEvents,
  ) {
    this.problem.hidden = true;
    this.focus = new Map(PANELS.map(([name]) => [name, new FocusReturn(parts.panels[name])]));
    const tools = h("nav", { class: "tools", "aria-label": "Panels" });
    for (const [name, label] of PANELS) {
      const toggle = (): void => {
        this.open(this.panel === name ? undefined : name);
      };
      const button = h(
        "button",
        { type: "button", class: "tool", "aria-expanded": "false", click: toggle },
        icon(name === "filters" ? "filter" : name),
        h("span", {}, label),
      );
      this.buttons.set(name, button);
      tools.append(button);
    }
    const replay = (): void => {
      this.events.onReplay();
    };
    this.replayButton = h(
      "button",
      { type: "button", class: "tool", "aria-pressed": "false", click: replay },
      icon("replay"),
      h("span", {}, "Replay"),
    );
    tools.insertBefore(this.replayButton, tools.lastElementChild);
    const { search, status, cries, chips, legend, details, replayBar, panels } = parts;
    root.append(
      h("header", { class: "bar" }, this.skipLink(), h("h1", {}, "Flight monitor"), search, status, tools),
      h(
        "main",
        {},
        this.map,
        this.empty,
        this.problem,
        h("div", { class: "notices" }, cries, chips),
        legend,
        h("div", { class: "side" }, panels.list, panels.filters, panels.statistics, panels.settings),
        replayBar,
        details,
      ),
    );
  }

  /**
   * Opens a panel in place of the one that is open; `undefined`: none.
   *
   * @param byUser whether the focus goes along
   */
  open(panel: PanelName | undefined, byUser = true): void {
    const closed = this.panel;
    const wasFocused = closed !== undefined && this.focus.get(closed)?.holds === true;
    this.panel = panel;
    if (panel !== undefined) this.front("panel");
    for (const [name, button] of this.buttons) button.setAttribute("aria-expanded", String(name === panel));
    for (const [name] of PANELS) this.parts.panels[name].hidden = name !== panel;
    document.body.classList.toggle("with-panel", panel !== undefined);
    this.events.onPanel(panel);
    if (panel === undefined) {
      if (wasFocused) this.focus.get(closed)?.leave(this.buttons.get(closed));
    } else if (byUser) {
      // The list's rows are one stop of the keyboard.
      const rows = this.parts.panels[panel].querySelector<HTMLElement>("[role=grid]");
      this.focus.get(panel)?.enter(rows ?? undefined);
    }
  }

  private skipLink(): HTMLElement {
    const skip = (event: Event): void => {
      event.preventDefault();
      this.open("list");
    };
    return h("a", { class: "skip", href: "#list-title", click: skip }, "Skip to the aircraft list");
  }

  /** What was opened last: on a phone it lies above what was opened before. */
  front(part: "panel" | "details"): void {
    document.body.dataset["front"] = part;
  }

  /** Shows whether the past is shown. */
  replaying(on: boolean): void {
    this.replayButton.setAttribute("aria-pressed", String(on));
    document.body.classList.toggle("in-replay", on);
  }

  /** Says why there is nothing on the map. */
  explain(why: string | undefined): void {
    show(this.empty, why !== undefined);
    setText(this.empty, why ?? "");
    if (why === undefined) return;
    const { left, top, right, bottom } = freeArea(this.size(), this.areas(this.panels()));
    this.empty.style.left = `${(left + right) / 2}px`;
    this.empty.style.top = `${top + (bottom - top) * 0.38}px`;
    this.empty.style.maxWidth = `min(26rem, ${(right - left) * 0.84}px)`;
  }

  /** Says what does not work. */
  complain(message: string): void {
    setText(this.problem, message);
    show(this.problem, true);
  }

  /** Where to show on the map what is looked at. */
  freeCentre(): Point {
    return focus(this.size(), this.areas(this.panels()), this.areas(this.others()));
  }

  /** Whether a place on the map cannot be seen. */
  isCovered(point: Point): boolean {
    return isCovered(point, this.size(), this.areas([...this.panels(), ...this.others()]));
  }

  private panels(): HTMLElement[] {
    const { details, panels, replayBar } = this.parts;
    return [details, replayBar, ...Object.values(panels)];
  }

  private others(): HTMLElement[] {
    const { cries, legend } = this.parts;
    return [cries, legend, this.problem, ...this.map.querySelectorAll<HTMLElement>(".maplibregl-ctrl")];
  }

  private size(): Size {
    return { width: this.map.clientWidth, height: this.map.clientHeight };
  }

  /** What these elements cover of the map; those that are not shown cover nothing. */
  private areas(elements: readonly HTMLElement[]): Area[] {
    const map = this.map.getBoundingClientRect();
    return elements.flatMap((element) => {
      const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
      if (width === 0 || height === 0) return [];
      return { left: left - map.left, top: top - map.top, right: right - map.left, bottom: bottom - map.top };
    });
  }
}
