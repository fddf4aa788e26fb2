// The configuration in force, each value with where it came from.

import { ask, latest } from './api.js';
import { byId, el } from './dom.js';
import { dayAndTime, timeNode } from './time.js';

let config = null;
let error = null;

/** Gets the switch ready. */
export function initConfiguration() {
  byId('config-all').addEventListener('change', show);
}

/** Reads the configuration and shows it. */
export const loadConfiguration = latest(
  () => ask('config'),
  (answer, failure) => {
    config = answer ?? config;
    error = failure;
    show();
  },
);

function show() {
  const box = byId('config');
  if (!config) {
    box.replaceChildren(el('p', { class: 'empty' }, `The configuration cannot be read: ${error?.message ?? 'no answer'}.`));
    return;
  }
  const all = byId('config-all').checked;
  const values = config.values.filter((own) => all || own.origin !== 'default');
  const rows = values.map((own) =>
    el('tr', { role: 'row' }, el('th', { scope: 'row', role: 'rowheader' }, el('code', {}, own.key)), el('td', { role: 'cell', class: 'value' }, own.value === null ? '–' : el('code', {}, own.value)), el('td', { role: 'cell', class: 'origin' }, originText(own.origin))),
  );
  const heads = ['Key', 'Value', 'From'].map((text) => el('th', { scope: 'col', role: 'columnheader' }, text));
  const warnings = config.warnings.map((text) => el('li', { class: 'banner', 'data-tone': 'hold' }, text));
  box.replaceChildren(
    ...(warnings.length ? [el('ul', { class: 'banners' }, ...warnings)] : []),
    el('p', { class: 'note' }, `${values.length} of ${config.values.length} values, in force since `, timeNode(config.loaded_at, dayAndTime), '.'),
    el('div', { class: 'table-box' }, el('table', { class: 'table config-table', role: 'table' }, el('caption', { class: 'unseen' }, 'Configuration in force'), el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...heads)), el('tbody', { role: 'rowgroup' }, ...rows))),
  );
}

function originText(origin) {
  if (origin.env) return `variable ${origin.env}`;
  if (origin.flag) return `flag --${origin.flag}`;
  if (origin.file) return `${origin.file.path}, line ${origin.file.line}`;
  return 'default';
}
