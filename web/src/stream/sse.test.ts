import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { expect, test } from "vitest";

import { EventParser } from "./sse.ts";
import type { ServerSentEvent } from "./sse.ts";

function parse(pieces: readonly string[]): { events: ServerSentEvent[]; retry: number | undefined } {
  const parser = new EventParser();
  return { events: pieces.flatMap((piece) => parser.push(piece)), retry: parser.retry };
}

test.each<[string, string, ServerSentEvent[]]>([
  ["data without a name", "data: a\n\n", [{ event: "message", data: "a", lastEventId: "" }]],
  ["several lines of data", "event: x\ndata:a\ndata:  b\n\n", [{ event: "x", data: "a\n b", lastEventId: "" }]],
  [
    "an id that stays",
    "id: 1\ndata: a\n\ndata: b\n\n",
    [
      { event: "message", data: "a", lastEventId: "1" },
      { event: "message", data: "b", lastEventId: "1" },
    ],
  ],
  ["an id without data", "id: 1\n\ndata: b\n\n", [{ event: "message", data: "b", lastEventId: "1" }]],
  ["an id with NUL", "id: a\0b\ndata: b\n\n", [{ event: "message", data: "b", lastEventId: "" }]],
  ["a byte order mark", "\u{feff}data: a\n\n", [{ event: "message", data: "a", lastEventId: "" }]],
  ["comments and unknown fields", ": hi\nfoo: bar\ndata\n\n", [{ event: "message", data: "", lastEventId: "" }]],
  ["no empty line at the end", "data: a\n", []],
])("reads %s", (_, text, events) => {
  expect(parse([text]).events).toEqual(events);
});

test("keeps the latest numeric retry", () => {
  expect(parse(["retry: 1000\nretry: 12x\nretry: 2417\n\n"]).retry).toBe(2417);
});

const line = fc.oneof(
  fc.constantFrom(
    "",
    "",
    "data: x",
    "data:y",
    "data",
    "event: delta",
    "id: 7",
    "id",
    ": heartbeat",
    "retry: 10",
    "foo: bar",
  ),
  fc.string({ maxLength: 8 }).map((text) => text.replace(/[\r\n]/g, "")),
);

test("the result does not depend on the pieces and line endings", () => {
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 30 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.array(fc.nat({ max: 12 }), { maxLength: 40 }),
      (lines, end, cuts) => {
        const text = lines.map((content) => content + end).join("");
        const unix = lines
          .map(
            (content) => `${content}
`,
          )
          .join("");
        const pieces: string[] = [];
        let rest = text;
        for (const cut of cuts) {
          pieces.push(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        expect(parse([...pieces, rest])).toEqual(parse([unix]));
      },
    ),
  );
});

test("agrees with the package eventsource-parser", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      const text = lines.map((content) => `${content}\n`).join("");
      const theirs: [string, string][] = [];
      const parser = createParser({
        onEvent: ({ event, data }) => {
          theirs.push([event === undefined || event === "" ? "message" : event, data]);
        },
      });
      parser.feed(text);
      expect(parse([text]).events.map(({ event, data }) => [event, data])).toEqual(theirs);
    }),
  );
});
