// Why: one tick, stage by stage, in a sheet of its own.

import { ask, latest } from './api.js';
import { choices, choose } from './choices.js';
import { byId, el } from './dom.js';
import { clockTime, dayAndTime, millis, timeNode, utcTime } from './time.js';
import { OUTCOME_TONES, badge } from './words.js';

/** The stages in order, each with what it is about. */
const STAGES = [
  ['collect', 'Measured'],
  ['observe', 'Seen'],
  ['evaluate', 'Asked for'],
  ['limit', 'Limited'],
  ['choose', 'Decided'],
  ['act', 'Done'],
];

/** What had the focus when the sheet was opened. */
let before = null;

/** Gets the sheet ready. */
export function initExplanation() {
  const sheet = byId('explanation');
  byId('explanation-close').addEventListener('click', () => sheet.close());
  sheet.addEventListener('click', (event) => event.target === sheet && sheet.close());
  sheet.addEventListener('close', () => {
    choose({ at: '', of: '' });
    if (before?.isConnected) before.focus();
    before = null;
  });
}

/**
 * Opens the sheet on the tick that was the last at `at`.
 * @param {string | number} at
 * @param {string} [region] only this one's part
 */
export function openExplanation(at, region = '') {
  const sheet = byId('explanation');
  if (!sheet.open) {
    before = document.activeElement;
    sheet.showModal();
  }
  choose({ at: String(at), of: region });
  byId('explanation-body').replaceChildren(el('p', { class: 'empty', role: 'status' }, 'Reading the record…'));
  byId('explanation-title').textContent = 'Explanation';
  byId('explanation-title').focus();
  load(at, region);
}

const load = latest((at, region) => ask('explain', { app: choices.app, at, region }), show);

function show(answer, error, at, region) {
  const body = byId('explanation-body');
  const found = answer?.explanations?.[0];
  if (!found) {
    body.replaceChildren(el('p', { class: 'empty', role: 'status' }, error ? `The record cannot be read: ${error.message}.` : `There is nothing on record of ${dayAndTime(/^\d+$/.test(at) ? Number(at) : at)}.`));
    return;
  }
  byId('explanation-title').textContent = `Tick of ${dayAndTime(found.at)}`;
  const head = [
    el('p', { class: 'summary' }, badge(found.outcome, OUTCOME_TONES[found.outcome]), ' ', found.summary),
    el('p', { class: 'note' }, ...passage(found)),
  ];
  // What was asked about stands before what holds for all of them.
  const ordered = [...found.parts].sort((one, other) => Number(other.region === region) - Number(one.region === region));
  const parts = ordered.map((part) => el('section', { class: 'part' }, el('h3', {}, scopeName(part)), stages(part.lines)));
  const all = region ? el('p', {}, wholeTick(found.at)) : null;
  body.replaceChildren(...head, ...(found.lines.length ? [stages(found.lines)] : []), ...parts, ...(all ? [all] : []));
}

function wholeTick(at) {
  return el('button', { type: 'button', on: { click: () => openExplanation(at) } }, 'Show all regions of this tick');
}

/** Of which ticks it holds. */
function passage(found) {
  const utc = `${utcTime(found.at)}. `;
  if (found.ticks <= 1) return [utc];
  const day = dayAndTime(found.from).slice(0, -8) === dayAndTime(found.until).slice(0, -8) ? clockTime : dayAndTime;
  return [utc, `The same in ${found.ticks.toLocaleString('en-GB')} ticks in a row, from `, timeNode(found.from, dayAndTime), ' to ', timeNode(found.until, day), '.'];
}

const scopeName = (part) => (part.region ? `${part.group} in ${part.region}` : `${part.group}, all regions together`);

function stages(lines) {
  const known = new Set(STAGES.map(([stage]) => stage));
  const others = [...new Set(lines.map((line) => line.stage))].filter((stage) => !known.has(stage)).map((stage) => [stage, stage]);
  const blocks = [...STAGES, ...others].flatMap(([stage, title]) => {
    const own = lines.filter((line) => line.stage === stage);
    if (!own.length) return [];
    return [el('dt', {}, title), el('dd', { 'data-stage': stage }, el('ul', {}, ...own.map(line)))];
  });
  return el('dl', { class: 'stages' }, ...blocks);
}

function line(own) {
  return el('li', { 'data-weight': own.weight }, own.text, own.code ? el('code', { class: 'code' }, own.code) : null);
}

/** Opens what the address asks for. */
export function openFromAddress() {
  const { at, of } = choices;
  if (at && !Number.isNaN(millis(/^\d+$/.test(at) ? Number(at) : at))) openExplanation(at, of);
}
