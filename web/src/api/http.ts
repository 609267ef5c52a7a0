import { serverAddress } from "./address.ts";
import { fetchWithRetry } from "./retry.ts";
import type { RetryOptions } from "./retry.ts";
import type { Problem } from "./types.ts";

/** An answer of the server that is not a success. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    /** Whether the server answered itself: an error of a proxy that finds no server has no problem document. */
    readonly isOwnAnswer: boolean,
  ) {
    super(`the server returned ${status}`);
  }

  /** Whether the server has no such resource: one without a database has no history. */
  get isNotFound(): boolean {
    return this.status === 404 && this.isOwnAnswer;
  }
}

/**
 * Requests a path below the server's root, and retries while the server is busy.
 *
 * @throws ApiError where the answer is an error, Error where the request fails, times out or is aborted
 */
export async function request(path: string, options: RetryOptions = {}): Promise<Response> {
  const response = await fetchWithRetry(serverAddress(path), options);
  if (!response.ok) throw new ApiError(response.status, isProblem(response));
  return response;
}

/**
 * The same, and reads the answer as JSON.
 *
 * @throws ApiError, Error
 */
export async function requestJson<Body>(path: string, options: RetryOptions = {}): Promise<Body> {
  return (await (await request(path, options)).json()) as Body;
}

function isProblem(response: Response): boolean {
  return response.headers.get("Content-Type")?.startsWith("application/problem+json") === true;
}

/** The detail of a problem document (RFC 9457), or the status where the answer has none. */
export async function problemDetail(response: Response): Promise<string> {
  try {
    const { detail } = (await response.json()) as Partial<Problem>;
    if (typeof detail === "string") return detail;
  } catch {
    // A proxy's error page.
  }
  return `the server returned ${response.status}`;
}
