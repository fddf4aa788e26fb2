// What happened: actions, holds, failures and notes, the newest first.

import { ask, latest } from './api.js';
import { choices, range } from './choices.js';
import { byId, el, keyed, setAttribute, setText } from './dom.js';
import { clockTime, dayName, lasting, millis, showTime } from './time.js';
import { entryWord } from './words.js';

/** How many entries are asked for at once. */
const PAGE = 100;
/** How many are shown at most: who looks for more narrows it down. */
const MOST = 1000;

/** What entries of one time must share to be told together, by kind. */
const LIKE = { action: ['verb', 'region', 'group', 'result', 'reason', 'would'], hold: ['until', 'code', 'text', 'group'] };

let entries = [];
let limit = PAGE;
let error = null;
let explain = () => {};

/** @param {(entry: any) => void} onAsk called with an entry of which somebody asks why */
export function initHistory(onAsk) {
  explain = onAsk;
  byId('older').addEventListener('click', () => {
    limit = Math.min(limit + PAGE, MOST);
    loadHistory();
  });
}

/** Reads what happened and shows it. */
export const loadHistory = latest(
  () => ask('history', { app: choices.app, last: range().last, region: choices.region, kind: choices.kind, limit }),
  (answer, failure) => {
    if (answer) entries = answer.entries;
    error = failure;
    showHistory();
  },
);

/** Begins anew: something else is looked for. */
export function clearHistory() {
  entries = [];
  limit = PAGE;
}

function showHistory() {
  const where = choices.region ? ` in ${choices.region}` : '';
  setText(byId('history-scope'), error ? `The record cannot be read: ${error.message}.` : `The last ${choices.range}${where}, newest first.`);
  setAttribute(byId('older'), 'hidden', entries.length < limit || limit >= MOST);
  const days = byDay(together(entries));
  const shown = days.length ? days : [{ day: '', groups: [] }];
  keyed(byId('history'), shown, (day) => day.day, makeDay);
}

/** What was done in the same tick, in the same place, for the same reason is one line; so is what held several regions. */
export function together(list) {
  const groups = [];
  const places = new Map();
  for (const entry of list) {
    const alike = LIKE[entry.kind]?.map((key) => entry[key]);
    const key = alike && JSON.stringify([entry.kind, entry.at, ...alike]);
    if (key && places.has(key)) {
      places.get(key).all.push(entry);
      continue;
    }
    const group = { first: entry, all: [entry] };
    groups.push(group);
    if (key) places.set(key, group);
  }
  return groups;
}

function byDay(groups) {
  const days = [];
  for (const group of groups) {
    const day = dayName(group.first.at);
    if (days[days.length - 1]?.day === day) days[days.length - 1].groups.push(group);
    else days.push({ day, groups: [group] });
  }
  return days;
}

function makeDay(made) {
  if (!made.day) return { node: el('p', { class: 'empty' }, 'Nothing happened that would be told here.'), update() {} };
  const list = el('ol', { class: 'entries' });
  return {
    node: el('div', { class: 'day' }, el('h3', {}, made.day), list),
    update: (day) => keyed(list, day.groups, keyOf, makeEntry),
  };
}

const keyOf = ({ first }) => [first.at, first.kind, first.verb, first.region, first.group, first.code, first.result, first.machine, first.kind === 'action' ? '' : first.text].join(' ');

function makeEntry({ first }) {
  const [word, tone] = entryWord(first);
  const time = el('time');
  const what = el('span', { class: 'what' });
  const where = el('span', { class: 'where' });
  const reason = el('span', { class: 'because' });
  const trouble = el('span', { class: 'trouble' });
  const button = el('button', { type: 'button', class: 'entry', 'data-kind': first.kind }, time, el('span', { class: 'word', 'data-tone': tone }, word), el('span', { class: 'entry-text' }, what, where, reason, trouble));
  let entry = first;
  button.addEventListener('click', () => explain(entry));
  return {
    node: el('li', {}, button),
    update({ first: own, all }) {
      entry = own;
      showTime(time, own.at, clockTime);
      setText(what, own.kind === 'action' ? machines(own, all) : own.text);
      setText(where, places(all));
      setText(reason, [own.reason ?? '', lasted(own)].filter(Boolean).join(' · '));
      // What Fly answered, where it did not do it.
      setText(trouble, own.kind === 'action' && own.result !== 'done' && !own.would ? own.text : '');
    },
  };
}

/** Which machines, or how many; the verb stands before it. */
function machines(own, all) {
  const which = all.length > 1 ? `${all.length} machines` : own.machine ?? '1 machine';
  return own.would ? `would: ${which}` : which;
}

/** In which regions. */
function places(all) {
  const regions = [...new Set(all.map((entry) => entry.region).filter(Boolean))];
  return regions.length ? ` in ${regions.join(', ')}` : '';
}

/** How long something applied. */
function lasted(own) {
  const span = millis(own.until) - millis(own.at);
  return span > 0 ? `for ${lasting(span)}, until ${clockTime(own.until)}` : '';
}
