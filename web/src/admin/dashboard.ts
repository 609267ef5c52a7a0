import { serverAddress } from "../api/address.ts";
import { readStatus } from "../api/status.ts";
import type { ActorStatus, SourceStatus, VitalsEvent } from "../api/types.ts";
import { sourceName } from "../model/sources.ts";
import { readSettings } from "../page/settings.ts";
import { h, setText, show } from "../ui/dom.ts";
import { Theme } from "../ui/theme.ts";
import { ActorCard } from "./actor-card.ts";
import { Confirm } from "./confirm.ts";
import { EventLog } from "./event-log.ts";
import { Feed } from "./feed.ts";
import type { FeedState } from "./feed.ts";
import { inOrder, isPoller, partOf, polledBy, polls, STAGES, titleOf } from "./parts.ts";
import type { Stage } from "./parts.ts";
import { SignIn, storedToken, storeToken } from "./sign-in.ts";
import { Sparkline } from "./sparkline.ts";
import { bytes, observed } from "./vitals.ts";

import "../ui/layout.css";
import "./dashboard.css";

/** The shortest time between two points of a chart, seconds. */
const STEP = 0.9;

/** The admin dashboard: the state of each actor, the event log, and the operator's actions. */
export class Dashboard {
  private feed: Feed | undefined;
  private sampled = 0;
  private newestEntry = 0;
  private paused = false;
  /** Whether the server was told to drain, so that its silence is expected. */
  private isDraining = false;
  private sources: readonly SourceStatus[] = [];
  private actors: readonly ActorStatus[] = [];
  private readonly cards = new Map<string, ActorCard>();
  private readonly confirm = new Confirm();
  private readonly log = new EventLog();
  private readonly state = h("p", { class: "state", role: "status" });
  private readonly stages = new Map<Stage, HTMLElement>(
    STAGES.map((stage) => [stage, h("div", { class: "stage", "data-stage": stage })]),
  );
  private readonly pipeline = h(
    "section",
    { class: "pipeline", "aria-label": "Pipeline" },
    this.stages.get("poll"),
    this.stages.get("publish"),
    h("p", { class: "kafka" }, "Kafka"),
    this.stages.get("read"),
  );
  private readonly figures = {
    credits: new Sparkline("Credits left today", (value) => value.toLocaleString("en")),
    lag: new Sparkline("Storage lag (records)", (value) => value.toLocaleString("en")),
    held: new Sparkline("Queued for Kafka", (value) => value.toLocaleString("en")),
    clients: new Sparkline("Clients", (value) => value.toLocaleString("en")),
    memory: new Sparkline("Memory", bytes),
  };
  private readonly polling = h("button", {
    type: "button",
    class: "button",
    click: () => {
      this.askPolling();
    },
  });
  private readonly drain = h(
    "button",
    {
      type: "button",
      class: "button danger",
      click: () => {
        this.confirm.ask(
          "Drain this server?",
          "Polling stops, received data is stored, clients are told to reconnect, and the process exits. This cannot be undone.",
          "Drain",
          async () => {
            await this.feed?.order("admin/drain");
            this.isDraining = true;
          },
        );
      },
    },
    "Drain …",
  );
  private readonly signIn = new SignIn((token) => {
    this.connect(token);
  });
  private readonly content = h(
    "div",
    { class: "dashboard" },
    h("div", { class: "vital" }, ...Object.values(this.figures).map(({ element }) => element)),
    h("p", { class: "note" }, "Charts show the last two minutes, scaled from 0 to each maximum."),
    this.pipeline,
    this.log.element,
  );
  private readonly actions = h(
    "div",
    { class: "actions" },
    this.polling,
    this.drain,
    h(
      "button",
      {
        type: "button",
        class: "button",
        click: () => {
          this.signOut();
        },
      },
      "Sign out",
    ),
  );

  constructor(root: HTMLElement) {
    new Theme(readSettings().theme, () => {
      for (const card of this.cards.values()) card.draw();
      for (const figure of Object.values(this.figures)) figure.draw();
    });
    root.append(
      h(
        "header",
        { class: "bar" },
        h("h1", {}, h("a", { href: serverAddress("./") }, "Flight monitor"), h("span", {}, " · Admin dashboard")),
        this.state,
        this.actions,
      ),
      h("main", {}, this.signIn.element, this.content),
      this.confirm.element,
    );
    show(this.content, false);
    show(this.actions, false);
    show(this.signIn.element, false);
  }

  /** Connects with the token of this tab, or asks for it. */
  start(): void {
    document.addEventListener("visibilitychange", () => {
      // A browser opens six connections to a host, over all its tabs: a hidden tab needs none.
      const token = storedToken();
      if (document.hidden) this.feed?.close();
      else if (this.feed !== undefined && token !== undefined) this.connect(token);
    });
    const token = storedToken();
    if (token === undefined) this.signIn.show();
    else this.connect(token);
  }

  private connect(token: string): void {
    this.feed?.close();
    this.feed = new Feed(token, {
      onVitals: (vitals) => {
        this.update(vitals);
      },
      onLog: (entry) => {
        if (entry.id <= this.newestEntry) return;
        this.newestEntry = entry.id;
        this.log.add(entry);
      },
      onState: (state) => {
        this.connection(state, token);
      },
    });
    this.feed.open();
  }

  private signOut(problem = ""): void {
    this.feed?.close();
    this.feed = undefined;
    storeToken(undefined);
    show(this.content, false);
    show(this.actions, false);
    setText(this.state, "");
    this.signIn.show(problem);
  }

  private connection(state: FeedState, token: string): void {
    switch (state.kind) {
      case "refused":
        this.signOut(state.reason);
        return;
      case "live":
        storeToken(token);
        void this.readSources();
        show(this.signIn.element, false);
        show(this.content, true);
        show(this.actions, true);
        break;
      case "waiting":
        if (this.isDraining) this.showState("waiting", "Drained: the server has stopped. Waiting for it to come back.");
        else this.showState("bad", `Connection lost: ${state.reason}. Trying again.`);
        break;
      case "connecting":
        break;
    }
  }

  private showState(tone: string, text: string): void {
    this.state.dataset["tone"] = tone;
    setText(this.state, text);
  }

  private update(vitals: VitalsEvent): void {
    const { at, actors } = vitals;
    this.actors = actors;
    const isSample = at - this.sampled >= STEP || at < this.sampled;
    if (isSample) this.sampled = at;
    for (const actor of actors) {
      const card = this.card(actor.name);
      card.update(actor, at);
      if (isSample) card.sample(actor, at);
    }
    const of = (name: string): ActorStatus | undefined => actors.find((actor) => actor.name === name);
    const pollers = actors.filter(({ name }) => isPoller(name));
    this.paused = pollers.some(({ phase }) => phase === "paused");
    show(this.polling, pollers.length > 0);
    setText(this.polling, this.paused ? "Resume polling …" : "Pause polling …");
    if (isSample) {
      const credits = pollers.flatMap((poller) => observed(poller, "credits_left") ?? []);
      this.figures.credits.push(credits.length === 0 ? undefined : Math.min(...credits));
      this.figures.lag.push(observed(of("kafka-consumer-store"), "lag"));
      this.figures.held.push(observed(of("kafka-producer"), "held"));
      this.figures.clients.push(observed(of("sse-hub"), "clients"));
      this.figures.memory.push(vitals.memory_bytes ?? undefined);
      for (const { element, series } of Object.values(this.figures)) {
        show(
          element,
          series.values.some((value) => value !== null),
        );
      }
    }
    const ending = vitals.course !== "serving";
    this.isDraining = ending;
    this.drain.disabled = ending;
    this.polling.disabled = ending;
    const unhealthy = actors.filter(({ phase }) => ["stalled", "failed", "backing_off", "restarting"].includes(phase));
    if (ending) this.showState("waiting", vitals.course === "drained" ? "Drained" : "Draining");
    else if (unhealthy.length > 0)
      this.showState("bad", `Needs attention: ${unhealthy.map(({ name }) => titleOf(name)).join("; ")}`);
    else if (this.paused) this.showState("waiting", "Polling is paused");
    else this.showState("good", "All running");
  }

  private card(name: string): ActorCard {
    const known = this.cards.get(name);
    if (known !== undefined) return known;
    const card = new ActorCard(
      name,
      (title) => {
        this.askRestart(name, title);
      },
      async (endpoint) => this.feed?.test(endpoint) ?? "Not connected to the server.",
    );
    this.cards.set(name, card);
    for (const [stage, element] of this.stages) {
      const names = inOrder(this.cards.keys()).filter((each) => partOf(each).stage === stage);
      element.replaceChildren(...names.flatMap((each) => this.cards.get(each)?.element ?? []));
    }
    this.describePollers();
    return card;
  }

  /** Reads which sources the Pollers poll. Without an answer their cards show no more than their names say. */
  private async readSources(): Promise<void> {
    const status = await readStatus();
    if (status === undefined) return;
    this.sources = status.sources;
    this.describePollers();
  }

  private describePollers(): void {
    for (const [name, card] of this.cards) {
      const source = isPoller(name) ? polledBy(name, this.sources) : undefined;
      if (source !== undefined) card.describe(polls(source));
    }
  }

  private askRestart(name: string, title: string): void {
    const effect = this.restartEffect(name);
    this.confirm.ask(`Restart ${title}?`, `Queued messages are kept; nothing is lost.${effect}`, "Restart", async () =>
      this.feed?.order(`admin/actors/${name}/restart`),
    );
  }

  private restartEffect(name: string): string {
    if (name === "sse-hub") return " Clients reconnect automatically.";
    if (!isPoller(name)) return "";
    const source = polledBy(name, this.sources);
    const polled = source === undefined ? "the source" : sourceName(source.name);
    const hasCredits = this.actors.some(
      (actor) => actor.name === name && observed(actor, "credits_left") !== undefined,
    );
    return ` This polls ${polled} at once${hasCredits ? " and costs credits" : ""}.`;
  }

  private askPolling(): void {
    if (this.paused) {
      this.confirm.ask("Resume polling?", "Polling continues on its original schedule.", "Resume", async () =>
        this.feed?.order("admin/polling/resume"),
      );
    } else {
      const [source, ...others] = this.sources;
      const name = source === undefined ? "The source" : sourceName(source.name);
      const unpolled = others.length === 0 ? `${name} is not` : "No source is";
      this.confirm.ask(
        "Pause polling?",
        `${unpolled} polled until you resume or restart the server. Visitors see a notice, and aircraft drop off as their data ages.`,
        "Pause",
        async () => this.feed?.order("admin/polling/pause"),
      );
    }
  }
}
