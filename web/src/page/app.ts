import type { SkyMap } from "../map/sky-map.ts";
import { emptiness } from "../model/health.ts";
import { Watch } from "../model/cries.ts";
import type { Cry } from "../model/cries.ts";
import { predicate } from "../model/filter.ts";
import { boxOf, wrapLongitude } from "../model/geometry.ts";
import { readLink, writeLink } from "../model/link.ts";
import type { ReplayLink } from "../model/link.ts";
import { setZone } from "../model/time.ts";
import { setTransitionAltitude } from "../model/units.ts";
import { isInScope } from "../stream/index.ts";
import type { StateVector } from "../stream/index.ts";
import { Camera } from "./camera.ts";
import { Cries } from "./cries.ts";
import { Details } from "./details.ts";
import { Elsewhere } from "./elsewhere.ts";
import type { Whereabouts } from "./elsewhere.ts";
import { Filters } from "./filters.ts";
import { Frame } from "./frame.ts";
import { Legend } from "./legend.ts";
import { List } from "./list.ts";
import { FocusReturn } from "./focus.ts";
import { SearchBox } from "./search-box.ts";
import { keepSettings, readSettings } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { settingsPanel } from "./settings-panel.ts";
import { everyAircraft, findAircraft, findAircraftAt, StatusReader } from "./server.ts";
import { Shortcuts } from "./shortcuts.ts";
import { Sky } from "./sky.ts";
import { StatisticsPanel } from "./statistics-panel.ts";
import { StatusView } from "./status-view.ts";
import { Trail } from "./trail.ts";

/** The page: what is chosen, and every view of the sky. */
export class App {
  private settings: Settings = readSettings();
  private passes = predicate({});
  private shown: readonly StateVector[] = [];
  /** Those of them in view. */
  private visible: readonly StateVector[] = [];
  private selected: string | undefined;
  private following = false;
  /** A replay that the link asks for. */
  private replayWanted: ReplayLink | undefined;
  /** An aircraft that the link names without a view: it is gone to once it is known where it is. */
  private sought: string | undefined;
  private map: SkyMap | undefined;
  private readonly sky = new Sky({
    onStates: () => {
      this.refresh();
    },
    onConnection: () => {
      this.tell();
    },
    onTime: () => {
      this.frame.replaying(this.sky.isPast);
      this.writeLink();
      this.followOn();
    },
    onJump: () => {
      // At another time it is another one.
      this.elsewhere.forget();
      this.statistics.renew();
      this.trail.select(this.selected);
    },
  });
  private readonly status = new StatusReader(() => {
    // The source tells how long an aircraft may be silent: before it does, no replay begins.
    if (this.replayWanted !== undefined) this.sky.follow(this.replayWanted, this.status.latest);
    this.replayWanted = undefined;
    this.tell();
  });
  private readonly statusView = new StatusView();
  private readonly legend = new Legend();
  private readonly watch = new Watch();
  private readonly cries = new Cries((cry) => {
    void this.goToCry(cry);
  });
  private readonly details = new Details({
    onClose: () => {
      this.select(undefined);
    },
    onFollow: (follow) => {
      this.follow(follow);
    },
    onShow: () => {
      const state = this.find(this.selected);
      if (state !== undefined) this.goTo(state);
    },
  });
  private readonly trail = new Trail({ now: () => this.sky.now, find: (icao24) => this.find(icao24) }, (shown) => {
    if (typeof shown !== "string") this.map?.drawTrail(shown);
    this.details.setTrack(shown, this.settings.units);
  });
  /** The selected aircraft, where the loaded area does not hold it. */
  private readonly elsewhere = new Elsewhere(
    (icao24, signal) => (this.sky.isPast ? findAircraftAt(icao24, this.sky.now, signal) : findAircraft(icao24, signal)),
    () => {
      this.refresh();
    },
  );
  private readonly list = new List({
    onSelect: (icao24) => {
      this.select(icao24);
      this.reveal(icao24);
    },
    onClose: () => {
      this.frame.open(undefined);
    },
  });
  private readonly filters = new Filters({
    onChange: (filter) => {
      this.passes = predicate(filter);
      this.writeLink();
      this.refresh();
    },
    onClose: () => {
      this.frame.open(undefined);
    },
  });
  private readonly settingsView = settingsPanel(this.settings, {
    onChange: (settings) => {
      this.apply(settings);
    },
    onShortcuts: () => {
      this.shortcuts.open();
    },
    onClose: () => {
      this.frame.open(undefined);
    },
  });
  private readonly shortcuts = new Shortcuts();
  private readonly detailsFocus = new FocusReturn(this.details.element);
  private readonly search = new SearchBox({
    states: () => this.sky.held,
    // A moment of the past is known only where it was looked at.
    everywhere: () => (this.sky.isPast ? Promise.resolve([]) : everyAircraft()),
    units: () => this.settings.units,
    onChoose: (state) => {
      this.goTo(state);
    },
  });
  private readonly statistics = new StatisticsPanel({
    units: () => this.settings.units,
    past: () => (this.sky.isPast ? { at: this.sky.now, states: this.sky.held } : undefined),
    onClose: () => {
      this.frame.open(undefined);
    },
  });
  private readonly frame: Frame;
  private readonly camera: Camera;

  constructor(root: HTMLElement) {
    this.frame = new Frame(
      root,
      {
        search: this.search.element,
        status: this.statusView.element,
        cries: this.cries.element,
        chips: this.filters.chipsElement,
        legend: this.legend.element,
        details: this.details.element,
        replayBar: this.sky.replayBar.element,
        panels: {
          list: this.list.element,
          filters: this.filters.element,
          statistics: this.statistics.element,
          settings: this.settingsView,
        },
      },
      {
        onPanel: (panel) => {
          this.statistics.open(panel === "statistics");
          this.writeLink();
          this.followOn();
          this.look();
        },
        onReplay: () => {
          this.sky.toggleReplay(this.status.latest);
        },
      },
    );
    root.append(this.shortcuts.element);
    this.camera = new Camera(this.frame);
    this.apply(this.settings);
  }

  /** Starts everything. */
  async start(): Promise<void> {
    const link = readLink(location.hash);
    const view = link.view ?? { zoom: window.innerWidth < 700 ? 2.4 : 3.2, lat: 42, lon: 10 };
    this.sky.look(boxOf(view, window.innerWidth, window.innerHeight));
    this.replayWanted = link.replay;
    if (link.filter !== undefined) this.filters.set(link.filter);
    if (link.replay === undefined) this.sky.wake();
    this.status.start();
    document.addEventListener("visibilitychange", () => {
      // A browser opens six connections to a host, over all its tabs: a hidden one needs none.
      if (document.hidden) {
        this.sky.rest();
        this.status.stop();
        this.trail.rest();
        this.elsewhere.forget();
      } else {
        this.sky.wake();
        this.status.start();
        this.trail.renew();
      }
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.apply(this.settings);
    });
    window.addEventListener("hashchange", () => {
      this.linkChanged();
    });
    window.addEventListener("keydown", (event) => {
      this.key(event);
    });
    window.setInterval(() => {
      this.tick();
    }, 1000);
    // The map is the larger part of the page: the stream and the status are asked for while it loads.
    const { SkyMap } = await import("../map/sky-map.ts");
    this.map = new SkyMap(this.frame.map, view, this.theme(), {
      onSelect: (icao24) => {
        this.select(icao24);
        this.reveal(icao24);
      },
      onView: () => {
        this.viewChanged();
      },
      onGrab: () => {
        this.follow(false);
      },
      onError: (message) => {
        this.frame.complain(message);
      },
    });
    // Below the selected aircraft, of which the link is.
    if (link.panel !== undefined && this.frame.panel === undefined) this.frame.open(link.panel, false);
    // A selection made while the map loaded is newer than the link's.
    if (link.icao24 !== undefined && this.selected === undefined) {
      this.select(link.icao24, false);
      if (link.view === undefined) void this.seek(link.icao24);
    }
    this.camera.attach(this.map, this.selected);
    this.viewChanged();
    this.refresh();
  }

  private key(event: KeyboardEvent): void {
    if (event.defaultPrevented || this.shortcuts.isOpen || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      this.closeTopmost();
      return;
    }
    if (!this.settings.shortcuts || isTyping(event.target)) return;
    const does: Record<string, () => void> = {
      "/": () => {
        this.search.focus();
      },
      "?": () => {
        this.shortcuts.open();
      },
      l: () => {
        this.frame.open("list");
      },
      f: () => {
        this.frame.open("filters");
      },
      s: () => {
        this.frame.open("statistics");
      },
      r: () => {
        this.sky.toggleReplay(this.status.latest);
      },
    };
    const act = does[event.key.toLowerCase()];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }

  /** Closes what was opened last. */
  private closeTopmost(): void {
    if (this.statusView.close()) return;
    const { panel } = this.frame;
    if (this.selected !== undefined && (panel === undefined || document.body.dataset["front"] === "details")) {
      this.select(undefined);
    } else if (panel !== undefined) this.frame.open(undefined);
  }

  /** Everything that depends on the picture or the filter. */
  private refresh(): void {
    const { held, alerts } = this.sky;
    this.shown = this.filters.isOpen ? held : held.filter(this.passes);
    const state = this.find(this.selected);
    // Who is selected stays on the map, also where the filter leaves it out.
    if (state !== undefined && !this.passes(state) && held.includes(state)) this.shown = [...this.shown, state];
    this.draw(state);
    if (state !== undefined) {
      this.arrive(state);
      this.trail.extend(state);
      if (this.following) this.camera.lookAt(state);
    }
    this.cries.update(this.watch.cries(held, alerts));
    this.filters.setCountries(new Set(held.flatMap(({ origin_country }) => origin_country ?? [])));
    this.look();
  }

  /** Everything that depends on what is in view, too: only new data or another view is filtered and sorted. */
  private look(): void {
    this.visible = this.inView();
    const { now, answeredAt } = this.sky;
    if (this.frame.panel === "list") {
      this.list.update(this.visible, this.selected, {
        now,
        answeredAt,
        units: this.settings.units,
        isLoaded: this.sky.isLoaded,
      });
    }
    this.tick();
  }

  private draw(selected: StateVector | undefined): void {
    const isOutside = selected !== undefined && !this.shown.includes(selected);
    this.map?.draw({
      states: isOutside ? [...this.shown, selected] : this.shown,
      selected: this.selected,
      observedAt: this.sky.observedAt ?? 0,
      answeredAt: this.sky.answeredAt,
      now: this.sky.now,
      units: this.settings.units,
      // What is carried on is carried on to the present.
      reckoned: this.settings.smooth && !this.sky.isPast,
    });
  }

  /** Everything that changes with the time. */
  private tick(): void {
    const { now, answeredAt } = this.sky;
    const { units } = this.settings;
    if (this.selected !== undefined) {
      this.details.update(this.selected, this.find(this.selected), {
        now,
        answeredAt,
        units,
        follow: this.following,
        missing: this.missing(this.selected),
      });
    }
    this.list.tick(now);
    if (this.sky.isPast) this.writeLink();
    this.statistics.tick();
    this.tell();
  }

  /** An aircraft of the loaded area, or the selected one, wherever it is. */
  private find(icao24: string | undefined): StateVector | undefined {
    const state = this.sky.find(icao24);
    if (state !== undefined || icao24 === undefined) return state;
    const known = this.elsewhere.of(icao24);
    return known.kind === "found" ? known.state : undefined;
  }

  /** Why the selected aircraft has no state, having it looked for where the loaded area does not hold it. */
  private missing(icao24: string): Exclude<Whereabouts["kind"], "found"> | undefined {
    if (this.sky.find(icao24) !== undefined) this.elsewhere.forget();
    else if (!document.hidden) this.elsewhere.want(icao24);
    const { kind } = this.elsewhere.of(icao24);
    return kind === "found" ? undefined : kind;
  }

  /** Keeps the followed aircraft in the free part of the map, which is another one. */
  private followOn(): void {
    const state = this.following ? this.find(this.selected) : undefined;
    if (state !== undefined) this.camera.lookAt(state);
  }

  private inView(): readonly StateVector[] {
    const box = this.map?.box();
    if (box === undefined || box.east - box.west >= 360) return this.shown;
    const wrapped = { ...box, west: wrapLongitude(box.west), east: wrapLongitude(box.east) };
    return this.shown.filter((state) => isInScope(state, { box: wrapped }));
  }

  /** Says how good the picture is. */
  private tell(): void {
    const how = this.sky.health(this.status.latest);
    const [shown, held] = [this.shown.length, this.sky.held.length];
    const { delays, isLoaded } = this.sky;
    const figures = { ...delays, now: Date.now() / 1000, shown, held: isLoaded ? held : undefined };
    this.statusView.update(how, figures, this.status.latest);
    document.body.dataset["tone"] = how.tone;
    const why = emptiness({ held, shown, inView: this.visible.length }, how);
    // What is still to come of the past is no empty sky.
    this.frame.explain(this.sky.isPast && !isLoaded ? undefined : why);
  }

  private select(icao24: string | undefined, byUser = true): void {
    if (icao24 === this.selected) return;
    const wasClosed = this.selected === undefined;
    const wasFocused = this.detailsFocus.holds;
    this.selected = icao24;
    this.follow(false);
    this.details.element.hidden = icao24 === undefined;
    document.body.classList.toggle("with-details", icao24 !== undefined);
    if (icao24 !== undefined) this.frame.front("details");
    this.writeLink();
    this.trail.select(icao24);
    this.refresh();
    if (icao24 === undefined) {
      this.frame.front("panel");
      if (wasFocused) this.detailsFocus.leave(this.frame.map.querySelector("canvas") ?? undefined);
    } else if (wasClosed && byUser) this.detailsFocus.enter();
  }

  private follow(follow: boolean): void {
    this.following = follow;
    const state = this.find(this.selected);
    if (follow && state !== undefined) this.goTo(state);
    if (follow) this.following = true;
    this.tick();
  }

  /** Selects an aircraft and looks at it. */
  private goTo(state: StateVector): void {
    this.select(state.icao24);
    this.camera.lookAt(state, 6);
  }

  /** The same with one that may be out of sight. */
  private async goToCry({ icao24, state }: Cry): Promise<void> {
    this.goTo(this.find(icao24) ?? (await findAircraft(icao24).catch(() => undefined)) ?? state);
  }

  /** Moves the map to an aircraft that cannot be seen. */
  private reveal(icao24: string | undefined): void {
    const state = this.find(icao24);
    if (state !== undefined) this.camera.reveal(state);
  }

  private theme(): "light" | "dark" {
    if (this.settings.theme !== "auto") return this.settings.theme;
    return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  private apply(settings: Settings): void {
    this.settings = settings;
    keepSettings(settings);
    setZone(settings.zone);
    setTransitionAltitude(settings.transition);
    document.documentElement.dataset["theme"] = this.theme();
    this.map?.setTheme(this.theme());
    this.legend.setUnits(settings.units);
    this.list.setUnits(settings.units);
    this.filters.setUnits(settings.units);
    this.details.setTrack(this.trail.shown, settings.units);
    this.refresh();
  }

  private viewChanged(): void {
    if (this.map === undefined) return;
    this.sky.look(this.map.box());
    this.writeLink();
    this.look();
  }

  private writeLink(): void {
    if (this.map === undefined) return;
    const { selected, sky } = this;
    const { panel } = this.frame;
    const replay = this.replayWanted ?? sky.replayLink;
    const link = writeLink({
      ...(selected !== undefined && { icao24: selected }),
      view: this.map.view(),
      ...(panel !== undefined && { panel }),
      filter: this.filters.current,
      ...(replay !== undefined && { replay }),
    });
    if (link === location.hash) return;
    history.replaceState(null, "", `${location.pathname}${location.search}${link}`);
  }

  private linkChanged(): void {
    const { icao24, view, panel, filter, replay } = readLink(location.hash);
    if (view !== undefined) this.map?.map.jumpTo({ center: [view.lon, view.lat], zoom: view.zoom });
    // What is written below is the link that was read.
    this.sky.follow(replay, this.status.latest);
    this.filters.set(filter ?? {});
    if (panel !== this.frame.panel) this.frame.open(panel, false);
    this.select(icao24, false);
    if (icao24 !== undefined && view === undefined) void this.seek(icao24);
  }

  /** Goes to the selected aircraft, wherever it is. */
  private async seek(icao24: string): Promise<void> {
    this.sought = icao24;
    const state = this.sky.find(icao24) ?? (this.sky.isPast ? undefined : await findAircraft(icao24));
    if (state !== undefined) this.arrive(state);
  }

  private arrive(state: StateVector): void {
    if (this.sought !== state.icao24 || this.selected !== state.icao24) return;
    this.sought = undefined;
    this.camera.lookAt(state, 6);
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}
