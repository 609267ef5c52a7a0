import { bytes, observed } from "../model/engine.ts";
import type { ActorVitals, EngineVitals } from "../model/engine.ts";
import { serverAddress } from "../page/base.ts";
import { h, setText, show } from "../page/dom.ts";
import { readSettings } from "../page/settings.ts";
import { ActorCard, PARTS, titleOf } from "./actor-card.ts";
import { Confirm } from "./confirm.ts";
import { EventLog } from "./event-log.ts";
import { Feed } from "./feed.ts";
import type { FeedState } from "./feed.ts";
import { keepToken, keptToken, SignIn } from "./sign-in.ts";
import { Sparkline } from "./sparkline.ts";

/** How far apart the points of the charts lie, seconds; what comes between them is only shown. */
const STEP = 0.9;

/** The engine room: what each actor does, what has changed, and what the operator can do about it. */
export class EngineRoom {
  private feed: Feed | undefined;
  private sampled = 0;
  private newestEntry = 0;
  private paused = false;
  /** Whether the server was told to end, so that its silence is no fault. */
  private isDraining = false;
  private readonly cards = new Map<string, ActorCard>();
  private readonly confirm = new Confirm();
  private readonly log = new EventLog();
  private readonly state = h("p", { class: "state", role: "status" });
  private readonly pipeline = h("section", { class: "pipeline", "aria-label": "Pipeline" });
  private readonly figures = {
    credits: new Sparkline("Credits left today", (value) => value.toLocaleString("en")),
    lag: new Sparkline("Lag of the store, records", (value) => value.toLocaleString("en")),
    held: new Sparkline("Waiting for Kafka", (value) => value.toLocaleString("en")),
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
    this.enter(token);
  });
  private readonly room = h(
    "div",
    { class: "room" },
    h("div", { class: "vital" }, ...Object.values(this.figures).map(({ element }) => element)),
    h("p", { class: "note" }, "Each chart shows the last two minutes, from 0 up to its highest value."),
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
          this.leave();
        },
      },
      "Leave",
    ),
  );

  constructor(root: HTMLElement) {
    const { theme } = readSettings();
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const paint = (): void => {
      document.documentElement.dataset["theme"] = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
      for (const card of this.cards.values()) card.draw();
      for (const figure of Object.values(this.figures)) figure.draw();
    };
    dark.addEventListener("change", paint);
    paint();
    root.append(
      h(
        "header",
        { class: "bar" },
        h("h1", {}, h("a", { href: serverAddress("./") }, "Flight monitor"), h("span", {}, " · Engine room")),
        this.state,
        this.actions,
      ),
      h("main", {}, this.signIn.element, this.room),
      this.confirm.element,
    );
    show(this.room, false);
    show(this.actions, false);
    show(this.signIn.element, false);
  }

  /** Enters with the token of this tab, or asks for it. */
  start(): void {
    document.addEventListener("visibilitychange", () => {
      // A browser opens six connections to a host, over all its tabs: a hidden one needs none.
      const token = keptToken();
      if (document.hidden) this.feed?.close();
      else if (this.feed !== undefined && token !== undefined) this.enter(token);
    });
    const token = keptToken();
    if (token === undefined) this.signIn.show();
    else this.enter(token);
  }

  private enter(token: string): void {
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

  private leave(problem = ""): void {
    this.feed?.close();
    this.feed = undefined;
    keepToken(undefined);
    show(this.room, false);
    show(this.actions, false);
    setText(this.state, "");
    this.signIn.show(problem);
  }

  private connection(state: FeedState, token: string): void {
    switch (state.kind) {
      case "refused":
        this.leave(state.reason);
        return;
      case "live":
        keepToken(token);
        show(this.signIn.element, false);
        show(this.room, true);
        show(this.actions, true);
        break;
      case "waiting":
        if (this.isDraining) this.tell("waiting", "Drained: the server has stopped. Waiting for it to come back.");
        else this.tell("bad", `Connection lost: ${state.reason}. Trying again.`);
        break;
      case "connecting":
        break;
    }
  }

  private tell(tone: string, text: string): void {
    this.state.dataset["tone"] = tone;
    setText(this.state, text);
  }

  private update(vitals: EngineVitals): void {
    const { at, actors } = vitals;
    const isSample = at - this.sampled >= STEP || at < this.sampled;
    if (isSample) this.sampled = at;
    for (const actor of actors) {
      const card = this.card(actor.name);
      card.update(actor, at);
      if (isSample) card.sample(actor, at);
    }
    const of = (name: string): ActorVitals | undefined => actors.find((actor) => actor.name === name);
    const poller = of("poller");
    this.paused = poller?.phase === "paused";
    show(this.polling, poller !== undefined);
    setText(this.polling, this.paused ? "Resume polling …" : "Pause polling …");
    if (isSample) {
      this.figures.credits.push(observed(poller, "credits_left"));
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
    const ill = actors.filter(({ phase }) => ["stalled", "failed", "backing_off", "restarting"].includes(phase));
    if (ending) this.tell("waiting", vitals.course === "drained" ? "Drained" : "Draining");
    else if (ill.length > 0) this.tell("bad", `Not well: ${ill.map(({ name }) => titleOf(name)).join("; ")}`);
    else if (this.paused) this.tell("waiting", "Polling is paused");
    else this.tell("good", "All at work");
  }

  private card(name: string): ActorCard {
    const known = this.cards.get(name);
    if (known !== undefined) return known;
    const card = new ActorCard(name, (title) => {
      this.askRestart(name, title);
    });
    this.cards.set(name, card);
    // In the order of the data, whatever the order in which the actors were started.
    const order = Object.keys(PARTS);
    const names = [...this.cards.keys()].sort((a, b) => order.indexOf(a) - order.indexOf(b));
    const elements = names.flatMap((each) => this.cards.get(each)?.element ?? []);
    this.pipeline.replaceChildren(...elements, h("p", { class: "kafka" }, "Kafka"));
    return card;
  }

  private askRestart(name: string, title: string): void {
    const costs =
      name === "poller"
        ? " It asks the source at once, which costs credits."
        : name === "sse-hub"
          ? " Its clients are disconnected and come back."
          : "";
    this.confirm.ask(
      `Restart ${title}?`,
      `It keeps its address and the messages that wait for it; nothing is lost.${costs}`,
      "Restart",
      async () => this.feed?.order(`admin/actors/${name}/restart`),
    );
  }

  private askPolling(): void {
    if (this.paused) {
      this.confirm.ask(
        "Resume polling?",
        "The source is asked again, not earlier than it would have been without the pause.",
        "Resume",
        async () => this.feed?.order("admin/polling/resume"),
      );
    } else {
      this.confirm.ask(
        "Pause polling?",
        "The source is not asked any more until polling is resumed or the process is started anew. The map says so to everybody who looks at it, and aircraft leave it as they age.",
        "Pause",
        async () => this.feed?.order("admin/polling/pause"),
      );
    }
  }
}
