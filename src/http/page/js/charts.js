// Numbers over time, one panel under the other on the same axis.

import uPlot from '../vendor/uplot/uPlot.esm.js';

import { ask, latest } from './api.js';
import { choices, choose, range, RANGES } from './choices.js';
import { serverNow } from './clock.js';
import { byId, el, keyed, setAttribute, setText } from './dom.js';
import { options } from './plot.js';
import { extent, panels, regionsOf } from './series.js';
import { dayAndTime, number, shortTime, timeNode, utcTime } from './time.js';

/** How many times to ask for: about one for each two pixels of a wide screen. */
const POINTS = 500;
/** How many rows the table of a panel has at most. */
const ROWS = 60;

let chart = null;
let error = null;
let explain = () => {};
/** @type {Map<string, uPlot>} */
const plots = new Map();
/** Where the cursor is, as an index into the times; `null`: nowhere. */
let cursor = null;
/** What is drawn. */
let drawn = { times: [], panels: [] };

/** @param {(at: number) => void} onAsk called with a time of which somebody asks why */
export function initCharts(onAsk) {
  explain = onAsk;
  for (const own of RANGES) {
    const button = el('button', { type: 'button', 'data-range': own.name, title: own.title }, own.name);
    button.addEventListener('click', () => choose({ range: own.name }));
    byId('ranges').append(button);
  }
  byId('region').addEventListener('change', (event) => choose({ region: event.target.value }));
  document.addEventListener('themechange', () => rebuild());
  new ResizeObserver(() => resize()).observe(byId('charts'));
}

/** Reads what is on record and shows it. */
export const loadCharts = latest(
  () => ask('chart', { app: choices.app, last: range().last, points: POINTS }),
  (answer, failure) => {
    if (answer) chart = answer;
    error = failure;
    showCharts();
  },
);

/** Forgets what was read: another app is shown. */
export function clearCharts() {
  chart = null;
  showCharts();
}

/** Shows what was read, for the region that is chosen. */
export function showCharts() {
  showRange();
  const { times, panels: own } = chart ? panels(chart, choices.region) : { times: [], panels: [] };
  drawn = { times, panels: own };
  showRegionChoice();
  const box = byId('charts');
  if (!own.length) {
    drop(new Set());
    keyed(box, [error ? `The record cannot be read: ${error.message}.` : 'Nothing on record yet.'], (text) => text, (text) => ({ node: el('p', { class: 'empty' }, text), update() {} }));
    return;
  }
  cursor = null;
  keyed(box, own, (panel) => panel.key, makePanel);
  drop(new Set(own.map((panel) => panel.key)));
  showReadings();
}

/** Shows which period is chosen. */
export function showRange() {
  for (const button of byId('ranges').children) setAttribute(button, 'aria-pressed', String(button.dataset.range === choices.range));
}

function showRegionChoice() {
  const select = byId('region');
  const known = chart ? regionsOf(chart) : [];
  const names = choices.region && !known.includes(choices.region) ? [...known, choices.region] : known;
  keyed(select, ['', ...names], (name) => `region ${name}`, (name) => ({ node: el('option', { value: name }, name || 'all together'), update() {} }));
  if (select.value !== choices.region) select.value = choices.region;
}

function drop(kept) {
  for (const [key, plot] of plots) {
    if (!kept.has(key)) {
      plot.destroy();
      plots.delete(key);
    }
  }
}

// --- One panel ---

function makePanel(made) {
  const id = `panel-${made.key.replace(/[^a-z0-9]/gi, '-')}`;
  const title = el('h3', { id }, made.title);
  const reading = el('p', { class: 'reading', 'data-panel': made.key, 'aria-hidden': 'true' });
  const place = el('div', { class: 'plot', 'aria-hidden': 'true' });
  const summary = el('p', { class: 'panel-summary' });
  const rows = el('div', { class: 'table-box' });
  const table = el('details', { class: 'as-table' }, el('summary', {}, 'As a table', el('span', { class: 'unseen' }, ` of ${made.title}`)), rows);
  const node = el('div', { class: 'panel', role: 'group', 'aria-labelledby': id }, el('div', { class: 'panel-head' }, title, reading), place, summary, table);
  let shown = made;
  table.addEventListener('toggle', () => (table.open ? fillTable(rows, shown) : rows.replaceChildren()));
  return {
    node,
    update(panel) {
      shown = panel;
      setText(title, panel.note ? `${panel.title} (${panel.note})` : panel.title);
      setText(summary, sentence(panel));
      draw(place, panel);
      if (table.open && !rows.contains(document.activeElement)) fillTable(rows, panel);
    },
  };
}

/** What the curve says, for those who cannot see it. */
function sentence(panel) {
  const own = extent(panel.main);
  const since = `since ${dayAndTime(drawn.times[0] * 1000)}`;
  if (!own) return `No value ${since}.`;
  const wanted = bandNow(panel);
  return `Now ${number(own.last)}${wanted && `, wanted ${wanted}`}; between ${number(own.least)} and ${number(own.most)} ${since}.`;
}

function bandNow(panel) {
  const last = (values) => values && extent(values)?.last;
  return band(last(panel.min), last(panel.max));
}

function band(min, max) {
  if ((min ?? null) === null && (max ?? null) === null) return '';
  if ((max ?? null) === null) return `at least ${number(min)}`;
  if ((min ?? null) === null) return `at most ${number(max)}`;
  return min === max ? number(min) : `${number(min)}–${number(max)}`;
}

function fillTable(rows, panel) {
  const heads = ['Time', panel.title, ...(panel.min ? ['Wanted at least'] : []), ...(panel.max ? ['Wanted at most'] : [])];
  const step = Math.ceil(drawn.times.length / ROWS) || 1;
  const picked = drawn.times.map((_, index) => index).filter((index) => index % step === 0).reverse();
  const body = picked.map((index) => {
    const cells = [panel.main, panel.min, panel.max].filter(Boolean).map((values) => el('td', { class: 'number' }, number(values[index])));
    return el('tr', {}, el('th', { scope: 'row' }, timeNode(drawn.times[index] * 1000, dayAndTime)), ...cells);
  });
  const table = el('table', { class: 'table' }, el('thead', {}, el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)))), el('tbody', {}, ...body));
  rows.replaceChildren(table);
}

// --- Drawing ---

function draw(place, panel) {
  const data = [drawn.times, panel.main, panel.min ?? drawn.times.map(() => null), panel.max ?? drawn.times.map(() => null)];
  const plot = plots.get(panel.key);
  if (plot) {
    plot.setData(data, false);
    plot.batch(() => {
      plot.setScale('x', period());
      plot.setScale('y', heights(panel));
    });
    return;
  }
  const made = new uPlot(options(panel, place.clientWidth || 600, { onCursor, onClick }), data, place);
  made.setScale('x', period());
  made.setScale('y', heights(panel));
  plots.set(panel.key, made);
}

/** What the axis covers: the period that is chosen, but not the time before there was anything on record. */
function period() {
  const last = drawn.times[drawn.times.length - 1];
  const max = Math.max(last, Math.min((serverNow() ?? 0) / 1000, last + 60));
  const min = Math.max(max - range().millis / 1000, drawn.times[0]);
  return { min: min < max ? min : max - 60, max };
}

/** From nothing to a little more than the greatest value; below it only what is negative. */
function heights(panel) {
  const all = [panel.main, panel.min, panel.max].flatMap((values) => (values ? [extent(values)] : [])).filter(Boolean);
  const most = Math.max(...all.map((own) => own.most), panel.stepped ? 2 : 0);
  const least = Math.min(...all.map((own) => own.least), 0);
  return { min: least, max: most > least ? most + (most - least) * 0.12 : least + 1 };
}

function rebuild() {
  for (const plot of plots.values()) plot.destroy();
  plots.clear();
  if (drawn.panels.length) showCharts();
}

function resize() {
  for (const plot of plots.values()) {
    const width = plot.root.parentElement?.clientWidth ?? 0;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
  }
}

// --- The cursor, which all panels share ---

function onCursor(index) {
  if (index === cursor) return;
  cursor = index;
  showReadings();
}

function onClick(index) {
  const at = drawn.times[index];
  if (at) explain(Math.round(at * 1000));
}

function showReadings() {
  const at = cursor === null ? null : drawn.times[cursor];
  const where = byId('cursor-time');
  setText(where, at ? `${dayAndTime(at * 1000)} – click to ask why` : `${shortTime(drawn.times[0] * 1000)} – ${shortTime(drawn.times[drawn.times.length - 1] * 1000)}`);
  setAttribute(where, 'title', at && utcTime(at * 1000));
  for (const panel of drawn.panels) {
    const reading = [...document.querySelectorAll('.reading')].find((own) => own.dataset.panel === panel.key);
    if (!reading) continue;
    const read = (values) => (cursor === null ? values && extent(values)?.last : values?.[cursor]);
    const wanted = band(read(panel.min), read(panel.max));
    reading.replaceChildren(el('b', {}, number(read(panel.main))), ...(wanted ? [el('span', {}, ` wanted ${wanted}`)] : []));
  }
}
