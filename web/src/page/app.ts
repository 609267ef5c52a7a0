import type { SkyMap } from "../map/sky-map.ts";
import { emptiness, health, replayed } from "../model/health.ts";
import type { Health } from "../model/health.ts";
import { Watch } from "../model/cries.ts";
import type { Cry } from "../model/cries.ts";
import { predicate } from "../model/filter.ts";
import { boxOf, scopeAround, stillFits, wrapLongitude } from "../model/geometry.ts";
import { readLink, writeLink } from "../model/link.ts";
import { isInScope, StreamClient } from "../stream/index.ts";
import type { Box, ConnectionState, Picture, StateVector } from "../stream/index.ts";
import { Cries } from "./cries.ts";
import { Details } from "./details.ts";
import { Filters } from "./filters.ts";
import { Frame } from "./frame.ts";
import { Legend } from "./legend.ts";
import { List } from "./list.ts";
import { Replay } from "./replay.ts";
import { ReplayBar } from "./replay-bar.ts";
import { SearchBox } from "./search-box.ts";
import { keepSettings, readSettings } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { settingsPanel } from "./settings-panel.ts";
import { everyAircraft, findAircraft, StatusReader } from "./server.ts";
import { StatisticsPanel } from "./statistics-panel.ts";
import { StatusView } from "./status-view.ts";
import { extended, loadTrack } from "./track.ts";
import type { Track } from "./track.ts";

/** The page: what is known, what is chosen, and every view of it. */
export class App {
  private settings: Settings = readSettings();
  private passes = predicate({});
  private held: StateVector[] = [];
  private shown: StateVector[] = [];
  private picture: Picture | undefined;
  private connection: ConnectionState = { kind: "connecting" };
  private scope: Box | undefined;
  private selected: string | undefined;
  private following = false;
  private track: Track = [];
  private loading = new AbortController();
  private map: SkyMap | undefined;
  /** What to look at once the map has come: the stream is there before it. */
  private aim: { readonly state: StateVector; readonly zoom: number | undefined } | undefined;
  /** The frame in which the newest picture will be shown. */
  private frameOfPicture: number | undefined;

  private readonly client: StreamClient;
  private readonly status = new StatusReader(() => {
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
  private readonly list = new List({
    onSelect: (icao24) => {
      this.select(icao24);
      this.reveal(this.find(icao24));
    },
    onClose: () => {
      this.frame.open(undefined);
    },
  });
  private readonly filters = new Filters({
    onChange: (filter) => {
      this.passes = predicate(filter);
      this.refresh();
    },
    onClose: () => {
      this.frame.open(undefined);
    },
  });
  private readonly settingsView = settingsPanel(
    this.settings,
    (settings) => {
      this.apply(settings);
    },
    () => {
      this.frame.open(undefined);
    },
  );
  private readonly search = new SearchBox({
    states: () => this.held,
    // A moment of the past is known only where it was looked at.
    everywhere: () => (this.replay.isOn ? Promise.resolve([]) : everyAircraft()),
    units: () => this.settings.units,
    onChoose: (state) => {
      this.goTo(state);
    },
  });
  private readonly statistics = new StatisticsPanel(
    () => this.settings.units,
    () => {
      this.frame.open(undefined);
    },
  );
  private readonly replayBar = new ReplayBar({
    onSeek: (at) => {
      this.replay.seek(at);
    },
    onLeave: () => {
      this.replay.end();
    },
  });
  private readonly replay = new Replay(this.replayBar, {
    onBegin: () => {
      this.client.stop();
      this.frame.replaying(true);
      this.reload();
    },
    onMoment: (states) => {
      this.held = states;
      this.refresh();
    },
    onEnd: () => {
      this.frame.replaying(false);
      this.subscribe();
      if (!document.hidden) this.client.start();
      this.held = [];
      this.reload();
      this.refresh();
    },
  });
  private readonly frame: Frame;

  constructor(root: HTMLElement) {
    this.frame = new Frame(
      root,
      {
        search: this.search.element,
        status: this.statusView.element,
        cries: this.cries.element,
        legend: this.legend.element,
        details: this.details.element,
        replayBar: this.replayBar.element,
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
          this.tick();
        },
        onReplay: () => {
          if (this.replay.isOn) this.replay.end();
          else this.replay.begin(this.scope, this.status.latest?.source);
        },
      },
    );
    this.client = new StreamClient({
      url: new URL("/api/v1/stream", location.href).href,
      onPicture: (picture) => {
        this.picture = picture;
        // A poll comes as several updates, close upon one another: what comes before the next frame is shown with it.
        this.frameOfPicture ??= requestAnimationFrame(() => {
          this.showPicture();
        });
      },
      onState: (state) => {
        this.connection = state;
        this.tell();
      },
    });
    this.apply(this.settings);
  }

  /** Starts everything. */
  async start(): Promise<void> {
    const link = readLink(location.hash);
    const view = link.view ?? { zoom: window.innerWidth < 700 ? 2.4 : 3.2, lat: 42, lon: 10 };
    const { innerWidth, innerHeight } = window;
    this.scope = scopeAround(boxOf(view, innerWidth, innerHeight));
    this.subscribe();
    this.client.start();
    this.status.start();
    document.addEventListener("visibilitychange", () => {
      // A browser opens six connections to a host, over all its tabs: a hidden one needs none.
      if (document.hidden) {
        this.replay.pause();
        this.client.stop();
        this.status.stop();
      } else {
        if (!this.replay.isOn) this.client.start();
        this.status.start();
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
        this.reveal(this.find(icao24));
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
    // Who was chosen meanwhile is newer than the link.
    if (link.icao24 !== undefined && this.selected === undefined) this.select(link.icao24);
    if (this.aim !== undefined && this.aim.state.icao24 === this.selected) this.lookAt(this.aim.state, this.aim.zoom);
    this.viewChanged();
    this.refresh();
  }

  /** Has the stream bring the part of the sky that is looked at. */
  private subscribe(): void {
    this.client.setScope(this.scope === undefined ? {} : { box: this.scope });
  }

  private key(event: KeyboardEvent): void {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "/" && !typing) {
      event.preventDefault();
      this.search.focus();
    } else if (event.key === "Escape" && !typing) {
      if (this.selected !== undefined) this.select(undefined);
      else this.frame.open(undefined);
    }
  }

  private find(icao24: string | undefined): StateVector | undefined {
    return icao24 === undefined ? undefined : this.held.find((state) => state.icao24 === icao24);
  }

  private showPicture(): void {
    this.frameOfPicture = undefined;
    if (this.replay.isOn || this.picture === undefined) return;
    this.held = [...this.picture.aircraft()];
    this.refresh();
  }

  /** Everything that depends on the picture or the filter. */
  private refresh(): void {
    this.shown = this.filters.isOpen ? this.held : this.held.filter(this.passes);
    const state = this.find(this.selected);
    // Who is selected stays on the map, also where the filter leaves it out.
    if (state !== undefined && !this.passes(state)) this.shown = [...this.shown, state];
    this.draw();
    if (state !== undefined) {
      const track = extended(this.track, state);
      if (track !== this.track) this.showTrack(track);
      if (this.following) this.lookAt(state);
    }
    this.cries.update(this.watch.cries(this.held, this.replay.isOn ? [] : (this.picture?.alerts ?? [])));
    this.filters.setCountries(new Set(this.held.flatMap(({ origin_country }) => origin_country ?? [])));
    this.tick();
  }

  private draw(): void {
    this.map?.draw({
      states: this.shown,
      selected: this.selected,
      observedAt: this.observedAt() ?? 0,
      units: this.settings.units,
      // What is carried on is carried on to the present.
      reckoned: this.settings.smooth && !this.replay.isOn,
    });
  }

  /** Everything that changes with the time, and the lists, which follow it. */
  private tick(): void {
    const now = this.now();
    const { units } = this.settings;
    if (this.selected !== undefined) {
      this.details.update(this.selected, this.find(this.selected), { now, units, follow: this.following });
    }
    if (this.frame.panel === "list") this.list.update(this.inView(), this.selected, { now, units });
    this.tell();
  }

  /** The moment that is shown, Unix seconds. */
  private now(): number {
    return this.replay.at ?? Date.now() / 1000;
  }

  private observedAt(): number | undefined {
    return this.replay.at ?? this.picture?.observedAt;
  }

  /** Asks anew for the trail of who is selected: at another time it is another one. */
  private reload(): void {
    const { selected } = this;
    if (selected === undefined) return;
    this.selected = undefined;
    this.select(selected);
  }

  private inView(): StateVector[] {
    const box = this.map?.box();
    if (box === undefined || box.east - box.west >= 360) return this.shown;
    const wrapped = { ...box, west: wrapLongitude(box.west), east: wrapLongitude(box.east) };
    return this.shown.filter((state) => isInScope(state, { box: wrapped }));
  }

  /** Says how good the picture is. */
  private tell(): void {
    const now = this.now();
    const observedAt = this.observedAt();
    const how: Health =
      this.replay.at === undefined
        ? health({ connection: this.connection, status: this.status.latest, observedAt, now })
        : replayed(this.replay.at);
    const facts = {
      ageSeconds: observedAt === undefined || this.replay.isOn ? undefined : now - observedAt,
      lagMs: this.replay.isOn ? undefined : this.client.lag,
      shown: this.shown.length,
      held: this.held.length,
    };
    this.statusView.update(how, facts, this.status.latest);
    document.body.dataset["tone"] = how.tone;
    const why = emptiness({ held: this.held.length, shown: this.shown.length, inView: this.inView().length }, how);
    this.frame.explain(why);
  }

  private select(icao24: string | undefined): void {
    if (icao24 === this.selected) return;
    this.selected = icao24;
    this.follow(false);
    this.loading.abort();
    this.loading = new AbortController();
    this.showTrack([]);
    this.details.element.hidden = icao24 === undefined;
    document.body.classList.toggle("with-details", icao24 !== undefined);
    this.writeLink();
    this.refresh();
    if (icao24 !== undefined) {
      this.details.setTrack("Asking for what is stored …", this.settings.units);
      void this.load(icao24, this.loading.signal);
    }
  }

  private async load(icao24: string, signal: AbortSignal): Promise<void> {
    let track: Track | string;
    try {
      track = await loadTrack(icao24, this.now(), signal);
    } catch (error) {
      if (signal.aborted) return;
      track = error instanceof Error ? error.message : String(error);
    }
    if (signal.aborted) return;
    if (typeof track === "string") {
      this.details.setTrack(track, this.settings.units);
      return;
    }
    const state = this.find(icao24);
    this.showTrack(state === undefined ? track : extended(track, state));
  }

  private showTrack(track: Track): void {
    this.track = track;
    this.map?.drawTrail(track);
    this.details.setTrack(track, this.settings.units);
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
    this.lookAt(state, 6);
  }

  /** The same with one that may be out of sight. */
  private async goToCry({ icao24, state }: Cry): Promise<void> {
    this.goTo(this.find(icao24) ?? (await findAircraft(icao24)) ?? state);
  }

  private lookAt(state: StateVector, zoom?: number): void {
    const { lat, lon } = state;
    if (this.map === undefined) this.aim = { state, zoom: zoom ?? this.aim?.zoom };
    if (this.map === undefined || lat === null || lon === null) return;
    const { left, right, top, bottom } = this.frame.free();
    const { clientWidth, clientHeight } = this.frame.map;
    this.map.goTo(lat, lon, [(left + right - clientWidth) / 2, (top + bottom - clientHeight) / 2], zoom);
  }

  /** Moves the map to an aircraft that cannot be seen. */
  private reveal(state: StateVector | undefined): void {
    if (state === undefined) return;
    const place = this.map?.screen(state);
    const { left, right, top, bottom } = this.frame.free();
    const visible = place !== undefined && place.x > left && place.y > top && place.x < right && place.y < bottom;
    if (!visible) this.lookAt(state);
  }

  private theme(): "light" | "dark" {
    if (this.settings.theme !== "auto") return this.settings.theme;
    return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  private apply(settings: Settings): void {
    this.settings = settings;
    keepSettings(settings);
    document.documentElement.dataset["theme"] = this.theme();
    this.map?.setTheme(this.theme());
    this.legend.setUnits(settings.units);
    this.list.setUnits(settings.units);
    this.filters.setUnits(settings.units);
    this.details.setTrack(this.track, settings.units);
    this.refresh();
  }

  private viewChanged(): void {
    if (this.map === undefined) return;
    const view = this.map.box();
    if (!stillFits(this.scope, view)) {
      this.scope = scopeAround(view);
      if (this.replay.isOn) this.replay.look(this.scope);
      else this.subscribe();
    }
    this.writeLink();
    this.tick();
  }

  private writeLink(): void {
    if (this.map === undefined) return;
    const link = writeLink({ ...(this.selected !== undefined && { icao24: this.selected }), view: this.map.view() });
    history.replaceState(null, "", `${location.pathname}${location.search}${link}`);
  }

  private linkChanged(): void {
    const { icao24, view } = readLink(location.hash);
    if (view !== undefined) this.map?.map.jumpTo({ center: [view.lon, view.lat], zoom: view.zoom });
    this.select(icao24);
  }
}
