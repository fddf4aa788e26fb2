// From what the server has on record to what is drawn: pure.

/**
 * @typedef {{ key: string, title: string, unit: string, note: string, main: (number | null)[], min: (number | null)[] | null, max: (number | null)[] | null, stepped: boolean }} Panel
 */

/** How many times as far apart as usual two points are between which nothing is drawn. */
const BREAK = 6;

/**
 * The panels of a chart for one region, or for all of them together.
 * @param {any} chart the answer of `/api/v1/chart`
 * @param {string} region empty for all together
 * @returns {{ times: number[], panels: Panel[] }} the times in seconds, as uPlot wants them
 */
export function panels(chart, region) {
  const found = [];
  for (const metric of unique(chart.curves, 'metric', 'metric')) {
    const curves = chart.curves.filter((curve) => curve.line === 'metric' && curve.metric === metric);
    const own = pick(curves, region);
    const main = own ?? pick(curves, '');
    const note = own || !region ? '' : 'all regions together';
    if (main) found.push({ key: `metric ${metric}`, title: metric, unit: '', note, main, min: null, max: null, stepped: false });
  }
  const groups = unique(chart.curves, 'machines', 'group');
  for (const group of groups) {
    for (const kind of ['started', 'created']) {
      const of = (line, side) => pick(chart.curves.filter((curve) => curve.line === line && curve.group === group && curve.kind === kind && (!side || curve.side === side)), region);
      const [main, min, max] = [of('machines'), of('target', 'min'), of('target', 'max')];
      const title = groups.length > 1 ? `${group}: machines ${kind}` : `Machines ${kind}`;
      if (main) found.push({ key: `${kind} ${group}`, title, unit: 'machines', note: '', main, min, max, stepped: true });
    }
  }
  return broken(chart.times, found);
}

/** The regions that a chart knows. */
export function regionsOf(chart) {
  return [...new Set(chart.curves.map((curve) => curve.region).filter(Boolean))].sort();
}

function unique(curves, line, field) {
  return [...new Set(curves.filter((curve) => curve.line === line).map((curve) => curve[field]))];
}

/** The curve of the region; of all together their own, or else the sum over the regions. */
function pick(curves, region) {
  if (region) return filled(curves.find((curve) => curve.region === region)?.values);
  const whole = filled(curves.find((curve) => !curve.region)?.values);
  const parts = curves.filter((curve) => curve.region).map((curve) => curve.values);
  if (whole || !parts.length) return whole;
  return filled(parts[0].map((_, index) => {
    const there = parts.map((values) => values[index]).filter((value) => value !== null);
    return there.length ? there.reduce((sum, value) => sum + value, 0) : null;
  }));
}

/** The values, if there is one among them. */
const filled = (values) => (values?.some((value) => value !== null) ? values : null);

/** Puts nothing where nothing was recorded for long, so that no line is drawn across. */
function broken(times, found) {
  const steps = times.slice(1).map((time, index) => time - times[index]);
  const usual = [...steps].sort((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0;
  const gaps = new Set(steps.flatMap((step, index) => (step > BREAK * usual ? [index] : [])));
  const spread = (values, at) => values.flatMap((value, index) => (gaps.has(index) ? [value, at(index)] : [value]));
  const empty = (values) => values && spread(values, () => null);
  return {
    times: spread(times, (index) => times[index] + usual).map((time) => time / 1000),
    panels: found.map((panel) => ({ ...panel, main: empty(panel.main), min: empty(panel.min), max: empty(panel.max) })),
  };
}

/** The least, the greatest and the last value; `null` without any. */
export function extent(values) {
  const there = values.filter((value) => value !== null);
  if (!there.length) return null;
  return { least: Math.min(...there), most: Math.max(...there), last: there[there.length - 1] };
}
