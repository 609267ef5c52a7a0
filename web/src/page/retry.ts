/** How often a request is sent in all. */
const ATTEMPTS = 5;
/** The shortest and the longest time to wait before the next attempt, whatever the server says. Milliseconds. */
const WAIT = { least: 1_000, most: 30_000 };

/** A request, and how long to wait for each attempt to be answered. */
export interface PatientRequest {
  readonly signal?: AbortSignal;
  /** Milliseconds, including the time to read the answer; no limit without it. */
  readonly patience?: number;
}

/**
 * Asks the server, and asks again after `Retry-After` where it is busy. The answer may still be 503 after some attempts.
 *
 * @throws Error where the request fails or is aborted, also while it waits
 */
export async function fetchWithRetry(address: string, { signal, patience }: PatientRequest = {}): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const limits = [signal, patience === undefined ? undefined : AbortSignal.timeout(patience)];
    const response = await fetch(address, { signal: AbortSignal.any(limits.filter((limit) => limit !== undefined)) });
    const wait = attempt < ATTEMPTS ? retryAfter(response) : undefined;
    if (wait === undefined) return response;
    await response.body?.cancel();
    await pause(wait, signal);
  }
}

/** How long a busy server asks to wait, in milliseconds (RFC 9110, 10.2.3); `undefined` where it does not ask. */
export function retryAfter(response: Response): number | undefined {
  const value = response.headers.get("Retry-After");
  if ((response.status !== 503 && response.status !== 429) || value === null) return undefined;
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, WAIT.least), WAIT.most);
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
  });
}
