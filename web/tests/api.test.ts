// The page's API types against the OpenAPI description of the running server. `npm run api` regenerates them.

import type { OpenAPI3 } from "openapi-typescript";
import { afterAll, beforeAll, expect, test } from "vitest";

import { apiTypes } from "./api-types.ts";
import { Program, row } from "./support.ts";

let server: Program;
beforeAll(async () => {
  server = await Program.showing([row({ icao24: "4b1814", callsign: "SWR123", lat: 47, lon: 8.5 })]);
});
afterAll(async () => {
  await server.remove();
});

test("src/api/schema.ts is generated from the server's description", async () => {
  const description = (await (await fetch(`${server.url}api/v1/openapi.json`)).json()) as OpenAPI3;
  await expect(await apiTypes(description)).toMatchFileSnapshot("../src/api/schema.ts");
});
