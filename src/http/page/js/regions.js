// The regions: what comes in, what is there, what is wanted, what happens next and why.

import { choices, choose } from './choices.js';
import { byId, el, keyed, setAttribute, setText } from './dom.js';
import { number } from './time.js';
import { actions, bounds, byState, runs } from './words.js';

/** How many machines are drawn one by one. */
const DRAWN = 24;

/**
 * Shows the regions of a tick.
 * @param {any} tick
 * @param {(region: string | null) => void} explain called with the region of which somebody asks why
 */
export function showRegions(tick, explain) {
  const metrics = tick.samples.filter((sample) => sample.by_region).map((sample) => sample.metric);
  const many = tick.regions.length > 1;
  const groups = tick.regions.map((group) => ({ ...group, metrics, many, explain }));
  // Other columns need another table.
  keyed(byId('regions'), groups, (group) => JSON.stringify([group.group, metrics, many]), makeTable);
}

function makeTable(made) {
  const heads = ['Region', ...made.metrics, 'Machines', 'Started wanted', 'Created wanted', 'Next', 'Why'];
  const of = made.group ?? 'no process group';
  const caption = el('caption', { class: made.many ? '' : 'unseen' }, made.many ? `Process group ${of}` : 'Traffic, machines and targets by region');
  const body = el('tbody', { role: 'rowgroup' });
  const more = el('p', { class: 'note', hidden: true });
  // The roles are said again because on a phone rows are laid out as cards, which would take them away.
  const head = el('tr', { role: 'row' }, ...heads.map((text, index) => el('th', { scope: 'col', role: 'columnheader', class: index > 0 && index <= made.metrics.length ? 'number' : '' }, text)));
  const table = el('table', { class: 'table regions-table', role: 'table' }, caption, el('thead', { role: 'rowgroup' }, head), body);
  return {
    node: el('div', { class: 'table-box' }, table, more),
    update(group) {
      const peak = Math.max(0, ...group.rows.flatMap((row) => Object.values(row.samples)).filter(Number.isFinite));
      const rows = [...group.rows, { ...group.total, isTotal: true }].map((row) => ({ ...row, peak, of: group }));
      keyed(body, rows, (row) => (row.isTotal ? 'total' : `region ${row.region}`), makeRow);
      setAttribute(more, 'hidden', group.more === 0);
      setText(more, `and ${group.more} more regions`);
    },
  };
}

function makeRow(made) {
  const { metrics, explain } = made.of;
  const cell = (label, className, ...children) => el('td', { role: 'cell', class: className, 'data-label': label }, ...children);
  const name = el('button', { type: 'button', class: 'plain region-name', title: 'Show this region over time' }, made.isTotal ? 'total' : made.region);
  name.addEventListener('click', () => choose({ region: made.isTotal || choices.region === made.region ? '' : made.region }));
  const values = metrics.map(() => ({ text: el('span'), bar: el('span', { class: 'load', 'aria-hidden': 'true' }) }));
  const squares = el('span', { class: 'squares', 'aria-hidden': 'true' });
  const states = el('span', { class: 'states' });
  const started = cell('Started wanted', 'target');
  const created = cell('Created wanted', 'target');
  const next = cell('Next', 'next');
  const whyText = el('span', { class: 'why-text' });
  const why = el('button', { type: 'button', class: 'plain why' }, whyText);
  why.addEventListener('click', () => explain(made.isTotal ? null : made.region));
  const node = el(
    'tr',
    { role: 'row', class: made.isTotal ? 'total' : '', 'data-region': made.isTotal ? '' : made.region },
    el('th', { scope: 'row', role: 'rowheader' }, name),
    ...values.map((value, index) => cell(metrics[index], 'number', value.text, made.isTotal ? null : value.bar)),
    cell('Machines', 'machines', squares, states),
    started,
    created,
    next,
    cell('Why', 'why-cell', why),
  );
  return {
    node,
    update(row) {
      setAttribute(name, 'aria-pressed', made.isTotal ? null : String(choices.region === row.region));
      values.forEach((value, index) => showValue(value, row, metrics[index]));
      showMachines(squares, states, row);
      const unknown = row.held && !row.targets ? '?' : null;
      setText(started, unknown ?? bounds(row.targets?.started));
      setText(created, unknown ?? bounds(row.targets?.created));
      setText(next, actions(row.actions) || (row.held ? 'held' : '–'));
      setAttribute(node, 'data-tone', row.held ? 'hold' : Object.keys(row.actions).length ? 'good' : row.skipped ? 'off' : null);
      setText(whyText, row.why ? (row.why.of_total ? `total: ${row.why.text}` : row.why.text) : row.isTotal ? 'each region has its own' : 'nothing is asked of it');
      setAttribute(why, 'title', row.why?.code);
      setAttribute(why, 'aria-label', `Why, ${row.isTotal ? 'all regions' : row.region}: ${whyText.textContent}`);
    },
  };
}

function showValue(shown, row, metric) {
  const value = row.samples[metric];
  // `null`: it should be there and is not.
  setText(shown.text, value === undefined ? '–' : value === null ? '?' : number(value));
  shown.bar.style.setProperty('--part', String(row.peak > 0 && value > 0 ? value / row.peak : 0));
}

function showMachines(squares, states, row) {
  const counts = byState(row.machines);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  setText(states, all === 0 ? 'none' : counts.map(([state, count]) => `${number(count)} ${state}`).join(', '));
  const drawn = row.isTotal || all > DRAWN ? [] : counts.flatMap(([state, count]) => Array.from({ length: count }, () => ({ state })));
  keyed(squares, drawn, (one) => one.state, (one) => ({ node: el('i', { 'data-state': knownState(one.state) }), update() {} }));
}

/** How a state is drawn. */
function knownState(state) {
  if (state === 'started') return 'on';
  if (runs(state) || state === 'replacing' || state === 'created') return 'coming';
  if (state === 'stopping' || state === 'suspending') return 'going';
  if (state === 'failed' || state === 'unreachable') return 'bad';
  return 'off';
}
