/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** Its type; `message` by default. */
  readonly event: string;
  readonly data: string;
  /** The latest `id`, of this event or an earlier one. */
  readonly lastEventId: string;
}

/** Parses a `text/event-stream` that arrives in pieces (HTML standard, 9.2.6 "Interpreting an event stream"). */
export class EventParser {
  /** The latest `retry:`, milliseconds. */
  retry: number | undefined;
  private lastEventId: string;
  private rest = "";
  private started = false;
  /** The previous piece ended with a carriage return: a line feed at the start of the next one belongs to it. */
  private skipLineFeed = false;
  private event = "";
  private id: string;
  private data: string[] = [];

  /** @param lastEventId the id that the stream resumes from: events without an `id` have this one. */
  constructor(lastEventId = "") {
    this.lastEventId = lastEventId;
    this.id = lastEventId;
  }

  /** Returns the events that this piece completes. */
  push(piece: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    let text = piece;
    if (!this.started && text !== "") {
      this.started = true;
      if (text.startsWith("\u{feff}")) text = text.slice(1);
    }
    if (this.skipLineFeed && text !== "") {
      this.skipLineFeed = false;
      if (text.startsWith("\n")) text = text.slice(1);
    }
    let from = 0;
    const ends = /\r\n|\n|\r/g;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      const line = this.rest + text.slice(from, end.index);
      this.rest = "";
      from = end.index + end[0].length;
      if (end[0] === "\r" && from === text.length) this.skipLineFeed = true;
      const event = this.line(line);
      if (event !== undefined) events.push(event);
    }
    this.rest += text.slice(from);
    return events;
  }

  private line(line: string): ServerSentEvent | undefined {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    switch (field) {
      case "event":
        this.event = value;
        break;
      case "data":
        this.data.push(value);
        break;
      case "id":
        if (!value.includes("\0")) this.id = value;
        break;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.retry = Number(value);
        break;
      default:
        // A comment has an empty name; later versions may add fields.
        break;
    }
    return undefined;
  }

  private dispatch(): ServerSentEvent | undefined {
    const { data, event } = this;
    this.lastEventId = this.id;
    this.data = [];
    this.event = "";
    if (data.length === 0) return undefined;
    return { event: event === "" ? "message" : event, data: data.join("\n"), lastEventId: this.lastEventId };
  }
}
