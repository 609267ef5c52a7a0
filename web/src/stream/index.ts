/** A client of the flight monitor's `/api/v1/stream`. */

export type { Alert } from "./alert.ts";
export { StreamClient } from "./client.ts";
export type { StreamOptions } from "./client.ts";
export type { ConnectionState, Platform } from "./connection.ts";
export { Picture } from "./picture.ts";
export type { Progress } from "./picture.ts";
export { EventParser } from "./sse.ts";
export type { ServerSentEvent } from "./sse.ts";
export { isInScope, scopeQuery } from "./state.ts";
export type { Box, Scope, StateVector } from "./state.ts";
export { ProtocolError } from "./table.ts";
