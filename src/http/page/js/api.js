// Asking the server.

/** How long an answer may take, in milliseconds. */
const PATIENCE = 15_000;

/** Builds a path under `/api/v1`; empty parameters are left out. */
export function path(name, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return `/api/v1/${name}${text && `?${text}`}`;
}

/**
 * Asks, and gives the answer's data.
 * @throws {Error} with a sentence to show
 */
export async function ask(name, parameters) {
  let answer;
  try {
    answer = await fetch(path(name, parameters), { signal: AbortSignal.timeout(PATIENCE), cache: 'no-store' });
  } catch (error) {
    throw new Error(error.name === 'TimeoutError' ? 'the server did not answer in time' : 'the server cannot be reached');
  }
  const data = await answer.json().catch(() => null);
  if (answer.ok && data) return data;
  throw new Error(data?.error ?? `the server answered ${answer.status}`);
}

/**
 * Wraps a function that asks, so that of several calls only the last one's answer is shown.
 * @template T
 * @param {(...args: any[]) => Promise<T>} asks
 * @param {(answer: T | null, error: Error | null, ...args: any[]) => void} show
 */
export function latest(asks, show) {
  let turn = 0;
  return async (...args) => {
    const mine = ++turn;
    let answer = null;
    let failure = null;
    try {
      answer = await asks(...args);
    } catch (error) {
      failure = error;
    }
    if (mine === turn) show(answer, failure, ...args);
  };
}
