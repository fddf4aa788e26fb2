// The state of the app at a glance: what stands in the way, how the last tick ended, how many machines there are.

import { serverNow, pace } from './clock.js';
import { byId, el, keyed, setAttribute, setText } from './dom.js';
import { clockTime, lasting, millis, number, showTime, dayAndTime } from './time.js';
import { OUTCOME_TONES, bounds, byState, runs } from './words.js';

/** Shows the status of one app. */
export function showNow(status, own) {
  showBanners(status, own);
  showTiles(own);
}

// --- What stands in the way ---

function showBanners(status, own) {
  keyed(byId('banners'), banners(status, own), (banner) => banner.key ?? banner.text, makeBanner);
}

function makeBanner() {
  const text = el('span');
  const node = el('li', { class: 'banner' }, text);
  return {
    node,
    update(banner) {
      setAttribute(node, 'data-tone', banner.tone);
      setText(text, banner.text);
    },
  };
}

/** Everything that a viewer must know before reading the rest. */
export function banners(status, own) {
  const tick = own?.last_tick;
  const list = [];
  const add = (tone, text, key) => list.push({ tone, text, key });
  if (own?.paused || tick?.paused) add('hold', 'Paused: everything is computed and shown, nothing is done.', 'paused');
  else if (tick?.dry_run) add('hold', 'Dry run: everything is computed and shown, nothing is done.', 'dry-run');
  const listError = status.app_list?.last_error;
  if (listError) add('bad', `The list of apps cannot be read: ${listError.text}`, 'app-list');
  if (!own) return list;
  if (!tick) {
    add('calm', own.last_error?.text ?? 'No tick has ended yet.', 'no-tick');
    return list;
  }
  const ready = readiness(status, own);
  if (ready) add('bad', ready, 'ready');
  if (tick.error && !ready.includes(tick.error)) add('bad', tick.error, 'error');
  for (const text of tick.samples.flatMap(sampleTrouble)) add('hold', text);
  for (const advice of tick.advice ?? []) add('calm', advice.text);
  return list;
}

/** Why the app is not ready; empty if it is. */
function readiness(status, own) {
  const why = own.last_error ? ` The last error: ${own.last_error.text}` : '';
  if (!own.last_success) return `Not ready: no tick has succeeded yet.${why}`;
  const age = millis(status.now) - millis(own.last_success);
  if (age <= 3000 * status.interval_seconds) return '';
  return `Not ready: the last tick that succeeded ended ${lasting(age)} ago.${why}`;
}

/** What could not be measured, in sentences. */
function sampleTrouble(sample) {
  const failures = sample.failures ?? [];
  if (!failures.length) return sample.error ? [`${sample.metric}: ${sample.error}`] : [];
  const shown = failures.slice(0, 4).map((failure) => {
    const where = failure.region ? ` in ${failure.region}` : '';
    return `${sample.metric}${where} could not be measured since ${clockTime(failure.since)}: ${failure.error}. ${instead(failure)}`;
  });
  if (failures.length > shown.length) shown.push(`${sample.metric}: ${failures.length - shown.length} more regions could not be measured.`);
  return shown;
}

function instead(failure) {
  switch (failure.instead) {
    case 'nil':
      return 'Expressions read nil.';
    case 'number':
      return `Expressions read ${number(failure.value)}.`;
    case 'last':
      return `Expressions read the last value, ${number(failure.value)} of ${clockTime(failure.measured_at)}, until ${clockTime(failure.until)}${failure.grow_only ? ', and nothing is scaled down' : ''}.`;
    case 'ran_out':
      return `The last value, of ${clockTime(failure.measured_at)}, is too old: what reads it is held.`;
    default:
      return 'What reads it is held.';
  }
}

// --- The tiles ---

/** @type {Map<string, { node: HTMLElement, value: HTMLElement, unit: HTMLElement, detail: HTMLElement }>} */
const tileNodes = new Map();
let nextTick = null;

function showTiles(own) {
  const tick = own?.last_tick;
  const list = tick ? tiles(own, tick) : [];
  nextTick = own?.next_tick ?? null;
  keyed(byId('now'), list, (tile) => tile.key, makeTile);
  countDown();
}

function makeTile(made) {
  const name = el('span', { class: 'tile-name' }, made.name);
  const value = el('span', { class: 'tile-value' });
  const detail = el('span', { class: 'tile-detail' });
  const node = el('div', { class: 'tile', 'data-tile': made.key }, name, value, detail);
  tileNodes.set(made.key, { node, value, detail });
  return {
    node,
    update(tile) {
      setAttribute(node, 'data-tone', tile.tone);
      setText(value, tile.value);
      if (tile.at) {
        if (!detail.firstElementChild) detail.replaceChildren(el('span', { class: 'lead' }), el('time'), el('span', { class: 'trail' }));
        setText(detail.children[0], tile.lead);
        showTime(detail.children[1], tile.at);
        if (tile.trail !== undefined) setText(detail.children[2], tile.trail);
      } else {
        setText(detail, tile.detail);
      }
    },
  };
}

function tiles(own, tick) {
  const list = [{ key: 'outcome', name: 'Last tick', value: tick.outcome, tone: OUTCOME_TONES[tick.outcome], lead: 'at ', at: tick.at }];
  for (const { group, total } of tick.regions.filter((entry) => entry.group !== null)) {
    const of = tick.regions.length > 1 ? `${group}: ` : '';
    const states = byState(total.machines);
    const running = states.filter(([state]) => runs(state)).reduce((sum, [, count]) => sum + count, 0);
    const created = states.reduce((sum, [, count]) => sum + count, 0);
    list.push({ key: `started ${group}`, name: `${of}Machines started`, value: number(running), detail: `wanted: ${bounds(total.targets?.started)}` });
    list.push({ key: `created ${group}`, name: `${of}Machines created`, value: number(created), detail: `wanted: ${bounds(total.targets?.created)}` });
  }
  for (const sample of tick.samples) {
    const value = sample.value ?? null;
    const detail = sample.error ? (value === null ? 'not measured' : 'in place of a sample') : sample.by_region ? 'all regions' : 'measured';
    list.push({ key: `metric ${sample.metric}`, name: sample.metric, value: value === null ? '?' : number(value), detail, tone: sample.error ? 'hold' : undefined });
  }
  const acted = own.last_action;
  if (acted) {
    const what = acted.outcomes.length ? `${acted.outcomes.length} ${acted.outcomes.length === 1 ? 'action' : 'actions'}` : 'planned';
    list.push({ key: 'acted', name: 'Last acted', value: what, lead: 'at ', at: acted.at, trail: '' });
  }
  return list;
}

/** Says how long it is until the next tick, and how long ago something was done. */
export function countDown() {
  const outcome = tileNodes.get('outcome');
  const now = serverNow();
  const trail = outcome?.node.querySelector('.trail');
  if (!trail || !nextTick || now === null) return;
  const left = millis(nextTick) - now;
  // Where time runs faster than here there is nothing to count.
  if (pace() !== 1) setText(trail, '');
  else if (left > 0) setText(trail, `, next in ${lasting(left)}`);
  else setText(trail, left > -5000 ? ', next is due' : `, next was due ${dayAndTime(nextTick)}`);
}
