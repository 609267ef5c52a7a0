/** How many times a request is sent in all. */
const MAX_ATTEMPTS = 5;
/** Bounds of the pause before the next attempt, whatever the server asks for. Milliseconds. */
const PAUSE = { min: 1_000, max: 30_000 };

/** When to give up. */
export interface RetryOptions {
  readonly signal?: AbortSignal;
  /** Limit of each attempt in milliseconds, including the time to read the answer. */
  readonly timeout?: number;
}

/**
 * Sends a request, and sends it again after `Retry-After` while the server is busy. After the last attempt the answer may
 * still be 503.
 *
 * @throws Error where the request fails, or is aborted, also during a pause
 */
export async function fetchWithRetry(address: string, { signal, timeout }: RetryOptions = {}): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const limits = [signal, timeout === undefined ? undefined : AbortSignal.timeout(timeout)];
    const response = await fetch(address, { signal: AbortSignal.any(limits.filter((limit) => limit !== undefined)) });
    const wait = attempt < MAX_ATTEMPTS ? retryAfter(response) : undefined;
    if (wait === undefined) return response;
    await response.body?.cancel();
    await pause(wait, signal);
  }
}

/** The pause that a busy server asks for, in milliseconds (RFC 9110, 10.2.3), if it asks for one. */
export function retryAfter(response: Response): number | undefined {
  const value = response.headers.get("Retry-After");
  if ((response.status !== 503 && response.status !== 429) || value === null) return undefined;
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, PAUSE.min), PAUSE.max);
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
