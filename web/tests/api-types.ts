import openapiTS, { astToString } from "openapi-typescript";
import type { OpenAPI3 } from "openapi-typescript";

/** The schemas that the page reads. What they refer to is generated as well. */
const ROOTS = [
  "Alert",
  "Alerts",
  "Coverage",
  "Flights",
  "JournalEntry",
  "KnownAircraft",
  "KnownAircraftList",
  "PastFlights",
  "Problem",
  "RowAlert",
  "StateVector",
  "Stats",
  "Status",
  "TestOutcome",
  "Track",
  "VitalsEvent",
];
const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;

/** The TypeScript source of `src/api/schema.ts`, generated from the server's OpenAPI description. */
export async function apiTypes(description: OpenAPI3): Promise<string> {
  const all = description.components?.schemas ?? {};
  const used = new Map<string, (typeof all)[string]>();
  const pending = [...ROOTS];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (used.has(name)) continue;
    const schema = all[name];
    if (schema === undefined) throw new Error(`openapi.json has no schema ${name}: update ROOTS in tests/api-types.ts`);
    used.set(name, schema);
    for (const [, reference = ""] of JSON.stringify(schema).matchAll(REFERENCE)) pending.push(reference);
  }
  const schemas = Object.fromEntries([...used].sort(([one], [other]) => one.localeCompare(other)));
  const { openapi, info } = description;
  const nodes = await openapiTS({ openapi, info, paths: {}, components: { schemas } });
  return `// Generated from the server's OpenAPI description by \`npm run api\`. Do not edit.\n\n${astToString(nodes)}`;
}
