// Which app is shown, out of one or of thousands.

import { ask } from './api.js';
import { choices, choose } from './choices.js';
import { byId, el, setAttribute, setText } from './dom.js';
import { OUTCOME_TONES, badge } from './words.js';

/** How many are listed at once: who looks for others types a part of the name. */
const LISTED = 50;
/** Those in trouble come first. */
const RANK = { failed: 0, held: 1 };

let apps = [];

/** Gets the chooser ready. */
export function initApps() {
  const sheet = byId('apps');
  byId('choose-app').addEventListener('click', async () => {
    sheet.showModal();
    byId('apps-search').value = '';
    byId('apps-search').focus();
    showList();
    await loadApps();
    showList();
  });
  byId('apps-close').addEventListener('click', () => sheet.close());
  sheet.addEventListener('click', (event) => event.target === sheet && sheet.close());
  byId('apps-search').addEventListener('input', showList);
}

/** Reads which apps there are; those known before stay where that fails. */
export async function loadApps() {
  try {
    apps = (await ask('apps')).apps;
  } catch {
    // What is shown says by itself that the server does not answer.
  }
  const button = byId('choose-app');
  setAttribute(button, 'hidden', apps.length < 2);
  setText(button, `choose among ${apps.length.toLocaleString('en-GB')} apps`);
  return apps;
}

/** The app to show where none was chosen: the first in trouble, or the first. */
export const firstApp = () => [...apps].sort(byTrouble)[0]?.app ?? '';

const rank = (own) => RANK[own.outcome] ?? 2;
const byTrouble = (one, other) => rank(one) - rank(other) || (one.app < other.app ? -1 : one.app > other.app ? 1 : 0);

function showList() {
  const part = byId('apps-search').value.trim().toLowerCase();
  const found = apps.filter((own) => own.app.toLowerCase().includes(part)).sort(byTrouble);
  const listed = found.slice(0, LISTED);
  const more = found.length - listed.length;
  setText(byId('apps-count'), found.length ? `${found.length.toLocaleString('en-GB')} apps${more ? `, the first ${LISTED} are shown` : ''}` : 'No app has this in its name.');
  byId('apps-list').replaceChildren(...listed.map(item));
}

function item(own) {
  const button = el('button', { type: 'button', class: 'app', 'aria-current': own.app === choices.app ? 'true' : null }, el('span', { class: 'app-name' }, own.app), badge(own.paused ? 'paused' : own.outcome ?? 'new', own.paused ? 'hold' : OUTCOME_TONES[own.outcome]));
  button.addEventListener('click', () => {
    byId('apps').close();
    choose({ app: own.app, region: '', at: '', of: '' });
  });
  return el('li', {}, button);
}
