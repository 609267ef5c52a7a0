import { focus, freeArea, isCovered } from "../model/free-area.ts";
import type { Area, Point, Size } from "../model/free-area.ts";
import { limitOf } from "../model/filter.ts";
import { emptiness } from "../model/health.ts";
import type { PanelName } from "../model/link.ts";
import { h, icon, setText, show } from "../ui/dom.ts";
import { FocusReturn } from "../ui/focus.ts";
import { healthOf } from "./page-health.ts";
import { openPanel } from "./state.ts";
import type { PageState, PageStore } from "./state.ts";
import type { Traffic } from "./traffic.ts";

import "../ui/layout.css";
import "./panel.css";
import "./frame.css";

/** The panels next to the map, one of which may be open. */
const PANELS = [
  ["list", "List"],
  ["filters", "Filters"],
  ["statistics", "Statistics"],
  ["alerts", "Alerts"],
  ["settings", "Settings"],
] as const satisfies readonly (readonly [PanelName, string])[];

const PANEL_ICONS = {
  list: "list",
  filters: "filter",
  statistics: "statistics",
  alerts: "alert",
  settings: "settings",
} as const;

/** The elements of the views that the frame lays out. */
export interface Parts {
  readonly search: HTMLElement;
  readonly status: HTMLElement;
  readonly alertNotices: HTMLElement;
  readonly chips: HTMLElement;
  readonly legend: HTMLElement;
  readonly details: HTMLElement;
  readonly replayBar: HTMLElement;
  readonly panels: Readonly<Record<PanelName, HTMLElement>>;
}

/** The layout of the page: the bar, the map, and the views over it. */
export class Frame {
  readonly map = h("div", { class: "map" });
  private readonly empty = h("p", { class: "empty", role: "status" });
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private readonly buttons = new Map<PanelName, HTMLButtonElement>();
  private readonly focus: ReadonlyMap<PanelName, FocusReturn>;
  private opened: PanelName | undefined;

  constructor(
    root: HTMLElement,
    private readonly store: PageStore,
    traffic: Traffic,
    private readonly parts: Parts,
  ) {
    this.problem.hidden = true;
    this.focus = new Map(PANELS.map(([name]) => [name, new FocusReturn(parts.panels[name])]));
    const { search, status, alertNotices, chips, legend, details, replayBar, panels } = parts;
    root.append(
      h(
        "header",
        { class: "bar" },
        this.skipLink(),
        h("h1", {}, "Flight monitor"),
        search,
        status,
        this.tools(traffic),
      ),
      h(
        "main",
        {},
        this.map,
        this.empty,
        this.problem,
        h("div", { class: "notices" }, alertNotices, chips),
        legend,
        h("div", { class: "side" }, ...PANELS.map(([name]) => panels[name])),
        replayBar,
        details,
      ),
    );
    const markFront = (): void => {
      document.body.dataset["front"] = store.state.front;
    };
    store.on(["front"], markFront);
    markFront();
    store.on(["panel"], ({ panel, focusFollows }) => {
      this.showPanel(panel, focusFollows);
    });
    store.on(["problem"], ({ problem }) => {
      show(this.problem, problem !== undefined);
      setText(this.problem, problem ?? "");
    });
    const causes = [
      "connection",
      "status",
      "traffic",
      "visible",
      "facts",
      "player",
      "coverage",
      "panel",
      "selected",
      "tick",
    ] as const;
    store.on(causes, (state) => {
      this.explain(state);
    });
  }

  /** Opens a panel and moves the focus into it, even where it is open. */
  open(panel: PanelName): void {
    if (panel === this.store.state.panel) this.enter(panel);
    else openPanel(this.store, panel);
  }

  /** The middle of the free part of the map. */
  freeCentre(): Point {
    return focus(this.size(), this.areas(this.panels()), this.areas(this.others()));
  }

  /** Whether something covers a place in the map. */
  isCovered(point: Point): boolean {
    return isCovered(point, this.size(), this.areas([...this.panels(), ...this.others()]));
  }

  private tools(traffic: Traffic): HTMLElement {
    const tools = h("nav", { class: "tools", "aria-label": "Panels" });
    for (const [name, label] of PANELS) {
      const toggle = (): void => {
        openPanel(this.store, this.store.state.panel === name ? undefined : name);
      };
      const button = h(
        "button",
        { type: "button", class: "tool", title: label, "aria-expanded": "false", click: toggle },
        icon(PANEL_ICONS[name]),
        h("span", {}, label),
      );
      this.buttons.set(name, button);
      tools.append(button);
    }
    const toggleReplay = (): void => {
      traffic.toggleReplay();
    };
    const replay = h(
      "button",
      { type: "button", class: "tool", title: "Replay", "aria-pressed": "false", click: toggleReplay },
      icon("replay"),
      h("span", {}, "Replay"),
    );
    this.store.on(["player"], ({ player }) => {
      replay.setAttribute("aria-pressed", String(player !== undefined));
      document.body.classList.toggle("in-replay", player !== undefined);
    });
    tools.insertBefore(replay, tools.lastElementChild);
    return tools;
  }

  private skipLink(): HTMLElement {
    const skip = (event: Event): void => {
      event.preventDefault();
      this.open("list");
    };
    return h("a", { class: "skip", href: "#list-title", click: skip }, "Skip to the aircraft list");
  }

  private showPanel(panel: PanelName | undefined, focusFollows: boolean): void {
    const closed = this.opened;
    const wasFocused = closed !== undefined && this.focus.get(closed)?.holds === true;
    this.opened = panel;
    for (const [name, button] of this.buttons) button.setAttribute("aria-expanded", String(name === panel));
    for (const [name] of PANELS) this.parts.panels[name].hidden = name !== panel;
    document.body.classList.toggle("with-panel", panel !== undefined);
    document.body.dataset["panel"] = panel ?? "";
    if (panel === undefined) {
      if (wasFocused) this.focus.get(closed)?.leave(this.buttons.get(closed));
    } else if (focusFollows) this.enter(panel);
  }

  private enter(panel: PanelName): void {
    // The list's rows are one tab stop.
    const rows = this.parts.panels[panel].querySelector<HTMLElement>("[role=grid]");
    this.focus.get(panel)?.enter(rows ?? undefined);
  }

  /** Says why the map is empty. */
  private explain(state: PageState): void {
    const { traffic, shown, visible, player, filter, facts, status } = state;
    // A replay that is loading does not have an empty map.
    const isLoading = player !== undefined && !traffic.isLoaded;
    const counts = { held: traffic.held.length, shown: shown.length, inView: visible.length };
    const why = isLoading ? undefined : emptiness(counts, healthOf(state), limitOf(filter, facts, status));
    show(this.empty, why !== undefined);
    setText(this.empty, why ?? "");
    if (why === undefined) return;
    const { left, top, right, bottom } = freeArea(this.size(), this.areas(this.panels()));
    this.empty.style.left = `${(left + right) / 2}px`;
    this.empty.style.top = `${top + (bottom - top) * 0.38}px`;
    this.empty.style.maxWidth = `min(26rem, ${(right - left) * 0.84}px)`;
  }

  private panels(): HTMLElement[] {
    const { details, panels, replayBar } = this.parts;
    return [details, replayBar, ...Object.values(panels)];
  }

  private others(): HTMLElement[] {
    const { alertNotices, legend } = this.parts;
    return [alertNotices, legend, this.problem, ...this.map.querySelectorAll<HTMLElement>(".maplibregl-ctrl")];
  }

  private size(): Size {
    return { width: this.map.clientWidth, height: this.map.clientHeight };
  }

  /** The areas that these elements cover; hidden elements cover none. */
  private areas(elements: readonly HTMLElement[]): Area[] {
    const map = this.map.getBoundingClientRect();
    return elements.flatMap((element) => {
      const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
      if (width === 0 || height === 0) return [];
      return { left: left - map.left, top: top - map.top, right: right - map.left, bottom: bottom - map.top };
    });
  }
}
