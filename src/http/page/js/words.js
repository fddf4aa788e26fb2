// What the server's terms are called here.

import { el } from './dom.js';

/** The tone of each way that a tick can end. */
export const OUTCOME_TONES = { acted: 'good', quiet: 'calm', held: 'hold', failed: 'bad' };

const VERB_TONES = { create: 'up', start: 'up', uncordon: 'up', stop: 'down', suspend: 'down', cordon: 'down', destroy: 'down' };

/** The states of machines in the order in which they are shown, each with its tone. */
const STATES = ['started', 'starting', 'created', 'replacing', 'stopping', 'suspending', 'stopped', 'suspended', 'unreachable', 'failed'];

/** Whether a machine in this state runs or is about to. */
export const runs = (state) => state === 'started' || state === 'starting';

/** The machines of a row, by state, in a fixed order. */
export function byState(machines) {
  const rank = (state) => (STATES.indexOf(state) + 1 || STATES.length + 1);
  return Object.entries(machines).sort(([one], [other]) => rank(one) - rank(other) || one.localeCompare(other));
}

/** `4`, `4–5`, `at least 4`, `at most 5`, or `–`. */
export function bounds(own) {
  const { min = null, max = null } = own ?? {};
  if (min === null && max === null) return '–';
  if (max === null) return `at least ${min}`;
  if (min === null) return `at most ${max}`;
  return min === max ? String(min) : `${min}–${max}`;
}

/** `start 2, stop 1`, or nothing. */
export const actions = (counts) => Object.entries(counts).map(([verb, count]) => `${verb} ${count}`).join(', ');

/** A word in a small box. */
export const badge = (text, tone) => el('span', { class: 'badge', 'data-tone': tone }, text);

/** What an entry of the history is called, and its tone. */
export function entryWord(entry) {
  if (entry.kind !== 'action') {
    const tones = { hold: 'hold', failure: 'bad', pause: 'hold' };
    return [entry.kind, tones[entry.kind] ?? 'calm'];
  }
  const failed = entry.result === 'failed' || entry.result === 'unknown';
  return [entry.verb ?? 'action', failed ? 'bad' : VERB_TONES[entry.verb] ?? 'calm'];
}
