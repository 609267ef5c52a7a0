import { beforeEach, expect, test } from "vitest";

import { Store } from "./store.ts";

interface Example {
  readonly a: number;
  readonly b: number;
  readonly sum: number;
}

let store: Store<Example>;
let calls: string[];
beforeEach(() => {
  store = new Store<Example>({ a: 1, b: 2, sum: 0 });
  calls = [];
});

/** Notes each call with the state that the listener sees. */
function watch(name: string, ...keys: (keyof Example)[]): void {
  store.on(keys, ({ a, b, sum }) => calls.push(`${name} ${a} ${b} ${sum}`));
}

test("a listener runs once after a change of any of its members", () => {
  watch("a", "a");
  watch("both", "a", "b");
  store.set({ a: 5, b: 6 });
  expect(calls).toEqual(["a 5 6 0", "both 5 6 0"]);
  store.set({ b: 7 });
  expect(calls.slice(2)).toEqual(["both 5 7 0"]);
});

test("setting an equal value notifies no listener", () => {
  watch("a", "a");
  store.set({ a: 1 });
  store.set({});
  expect(calls).toEqual([]);
});

test("a derived member follows the members it depends on before a listener runs", () => {
  store.derive("sum", ["a", "b"], ({ a, b }) => a + b);
  expect(store.state.sum).toBe(3);
  watch("a", "a");
  watch("sum", "sum");
  store.set({ a: 10 });
  expect(calls).toEqual(["a 10 2 12", "sum 10 2 12"]);
  store.set({ a: 9, b: 3 });
  // The sum is the same.
  expect(calls.slice(2)).toEqual(["a 9 3 12"]);
});

test("a change by a listener reaches later listeners immediately, and earlier ones in a further round", () => {
  watch("first", "b");
  store.on(["a"], ({ a }) => {
    store.set({ b: a });
  });
  watch("last", "a", "b");
  store.set({ a: 4 });
  expect(calls).toEqual(["last 4 4 0", "first 4 4 0", "last 4 4 0"]);
});

test("a listener that throws leaves the store usable", () => {
  let fails = true;
  store.on(["a"], () => {
    if (fails) throw new Error("broken");
  });
  watch("a", "a");
  expect(() => {
    store.set({ a: 2 });
  }).toThrow("broken");
  fails = false;
  store.set({ a: 3 });
  expect(calls).toEqual(["a 3 2 0"]);
});
