// What the viewer has chosen. It stands in the address, so that a link shows the same.

/** The periods to choose from; `last` is what the server reads. */
export const RANGES = [
  { name: '1h', last: '1h', title: '1 hour', millis: 3_600_000 },
  { name: '6h', last: '6h', title: '6 hours', millis: 6 * 3_600_000 },
  { name: '24h', last: '24h', title: '24 hours', millis: 24 * 3_600_000 },
  { name: '7d', last: '168h', title: '7 days', millis: 7 * 86_400_000 },
  { name: '15d', last: '360h', title: '15 days', millis: 15 * 86_400_000 },
];
const DEFAULTS = { app: '', region: '', range: '6h', kind: '', at: '', of: '' };

const listeners = [];

/** The choices: `at` and `of` are the time and the region of the explanation that is open. */
export const choices = { ...DEFAULTS, ...fromAddress() };

function fromAddress() {
  const query = new URLSearchParams(location.search);
  const own = {};
  for (const key of Object.keys(DEFAULTS)) if (query.get(key)) own[key] = query.get(key);
  if (!RANGES.some((range) => range.name === own.range)) delete own.range;
  return own;
}

/** Calls `listener` with the names of what changed. */
export const onChoice = (listener) => listeners.push(listener);

/** Changes some of the choices. */
export function choose(changes) {
  const changed = Object.keys(changes).filter((key) => choices[key] !== changes[key]);
  if (!changed.length) return;
  Object.assign(choices, changes);
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(choices)) if (value && value !== DEFAULTS[key]) query.set(key, value);
  const text = query.toString();
  history.replaceState(null, '', text ? `?${text}` : location.pathname);
  for (const listener of listeners) listener(new Set(changed));
}

/** The chosen period. */
export const range = () => RANGES.find((own) => own.name === choices.range);
