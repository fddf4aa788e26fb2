// The page: which parts there are, and when each of them is shown anew.

import { announce } from './announce.js';
import { firstApp, initApps, loadApps } from './apps.js';
import { clearCharts, initCharts, loadCharts, showCharts, showRange } from './charts.js';
import { choices, choose, onChoice, range } from './choices.js';
import { heard, serverNow } from './clock.js';
import { initConfiguration, loadConfiguration } from './configuration.js';
import { byId, el, setAttribute, setText } from './dom.js';
import { initExplanation, openExplanation, openFromAddress } from './explanation.js';
import { clearHistory, initHistory, loadHistory } from './history.js';
import { follow } from './live.js';
import { countDown, showNow } from './now.js';
import { showRegions } from './regions.js';
import { millis, zone } from './time.js';

/** How far apart two paintings of the tables are at least, in milliseconds: ticks of a demo come faster. */
const PAINT_EVERY = 250;
/** How far apart two readings of the record are at least. */
const READ_EVERY = 1500;

/** The last status, and the app's own part of it. */
let status = null;
let own = null;
let unfollow = () => {};
/** The last outcome that was announced. */
let said = '';

// --- Showing ---

const paint = atMostEvery(PAINT_EVERY, () => {
  if (!status) return;
  showNow(status, own);
  if (own?.last_tick) showRegions(own.last_tick, (region) => openExplanation(own.last_tick.at, region ?? ''));
});
const readHistory = atMostEvery(READ_EVERY, loadHistory);
const readCharts = atMostEvery(READ_EVERY, loadCharts);
/** The server's time when the charts were read last. */
let chartsRead = 0;

/** Runs `task` soon, and not again before `distance` is over; what is asked for meanwhile runs then. */
function atMostEvery(distance, task) {
  let timer = 0;
  let last = -Infinity;
  return () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      last = performance.now();
      task();
    }, Math.max(0, last + distance - performance.now()));
  };
}

function readAll() {
  chartsRead = serverNow() ?? 0;
  readCharts();
  readHistory();
}

// --- Listening ---

function takeStatus(answer) {
  if (status && answer.version !== status.version) location.reload();
  status = answer;
  own = answer.apps.find((app) => app.app === choices.app) ?? null;
  heard(millis(answer.now));
  setText(byId('version'), `fly-autoscaler ${answer.version}`);
  paint();
  readAll();
}

function takeTick(event) {
  if (event.app !== choices.app || !own) return;
  own.last_tick = event.tick;
  own.next_tick = event.next_tick;
  own.paused = event.tick.paused ?? false;
  status.now = event.at;
  heard(millis(event.at));
  const succeeded = event.outcome === 'acted' || event.outcome === 'quiet';
  if (succeeded) own.last_success = event.at;
  if (event.tick.error) own.last_error = { at: event.at, text: event.tick.error };
  if (event.outcome === 'acted') own.last_action = event.tick;
  tell(event);
  paint();
  if (event.outcome !== 'quiet') readHistory();
  // A chart moves on by a point now and then, whatever the pace.
  if (!document.hidden && millis(event.at) - chartsRead > range().millis / 250) readAll();
}

/** Tells a listener what a tick did, and when the way that ticks end has changed. */
function tell(event) {
  const done = event.tick.outcomes.map((outcome) => outcome.text);
  if (done.length) announce(done.length > 3 ? `${done.length} actions` : done.join('. '));
  else if (event.outcome !== said && event.outcome !== 'acted' && said !== 'acted') announce(`ticks end ${event.outcome}`);
  said = event.outcome;
}

const CONNECTION = {
  connecting: 'connecting',
  live: 'live',
  asking: 'no live updates; asking every few seconds',
  lost: 'connection lost; trying again',
};

function takeState(state) {
  const box = byId('connection');
  if (box.dataset.state === state) return;
  if (state !== 'connecting' && box.dataset.state !== 'connecting') announce(`Connection: ${CONNECTION[state]}`, { atOnce: true });
  box.dataset.state = state;
  setText(byId('connection-text'), CONNECTION[state]);
}

// --- Choosing ---

function showApp() {
  unfollow();
  status = null;
  own = null;
  said = '';
  clearCharts();
  clearHistory();
  byId('now').replaceChildren();
  byId('regions').replaceChildren(el('p', { class: 'empty' }, 'Waiting for the first tick.'));
  setText(byId('app'), choices.app || 'no app yet');
  document.title = choices.app ? `${choices.app} · fly-autoscaler` : 'fly-autoscaler';
  if (!choices.app) return;
  unfollow = follow(choices.app, {
    tick: takeTick,
    noted: () => {
      readHistory();
      loadConfiguration();
    },
    status: takeStatus,
    state: takeState,
  });
}

onChoice((changed) => {
  if (changed.has('app')) showApp();
  if (changed.has('region')) showCharts();
  if (changed.has('range')) {
    showRange();
    readAll();
  }
  if (changed.has('region') || changed.has('kind') || changed.has('range')) {
    clearHistory();
    loadHistory();
    paint();
  }
});

function askAboutTime() {
  const at = new Date(byId('ask-at').value).getTime();
  if (Number.isNaN(at)) byId('ask-at').focus();
  else openExplanation(at, choices.region);
}

async function begin() {
  initApps();
  initCharts((at) => openExplanation(at, choices.region));
  initHistory((entry) => openExplanation(entry.at, entry.region ?? ''));
  initExplanation();
  initConfiguration();
  byId('kind').value = choices.kind;
  byId('kind').addEventListener('change', (event) => choose({ kind: event.target.value }));
  byId('ask').addEventListener('click', askAboutTime);
  byId('ask-at').addEventListener('keydown', (event) => event.key === 'Enter' && askAboutTime());
  setText(byId('zone'), `Times in ${zone()}; point at one for UTC`);
  setAttribute(byId('ask'), 'disabled', false);
  setInterval(countDown, 1000);
  loadConfiguration();
  await loadApps();
  if (choices.app) showApp();
  else if (firstApp()) choose({ app: firstApp() });
  else waitForApps();
  openFromAddress();
}

/** Asks again until there is an app to show. */
function waitForApps() {
  showApp();
  const timer = setInterval(async () => {
    await loadApps();
    if (!choices.app && firstApp()) choose({ app: firstApp() });
    if (choices.app) clearInterval(timer);
  }, 3000);
}

begin();
