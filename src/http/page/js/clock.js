// The server's time, as far as it can be known here: it may differ from the viewer's, and in `demo` it runs faster.

/** What was heard last, and what long enough before it to tell the pace. */
let first = null;
let last = null;

/** How long two readings must be apart, in milliseconds of the viewer's, to tell the pace. */
const APART = 3000;

/** Takes in what the server's clock shows. */
export function heard(server) {
  const reading = { here: performance.now(), server };
  if (last && server < last.server) return;
  last = reading;
  if (!first || server < first.server) first = reading;
}

/** How many times as fast as here time passes there; `null` as long as it cannot be told. */
export function pace() {
  if (!first || last.here - first.here < APART) return null;
  const ratio = (last.server - first.server) / (last.here - first.here);
  return ratio > 0.5 && ratio < 1.5 ? 1 : ratio;
}

/** The server's time now, in milliseconds since the epoch; `null` as long as nothing was heard. */
export function serverNow() {
  return last && last.server + (performance.now() - last.here) * (pace() ?? 1);
}
