// Live updates: the event stream, and asking now and then while there is none.

import { ask, path } from './api.js';

/** How long to wait before connecting again, in milliseconds: longer each time, up to the last. */
const WAITS = [500, 1000, 2000, 4000, 8000];
/** How long there may be no stream before somebody asks instead: the server ends each one after some minutes. */
const ASK_AFTER = 1500;
/** How often to ask for the status while there is no stream. */
const ASK_EVERY = 4000;

/**
 * @typedef {{
 *   tick: (event: any) => void,
 *   noted: (event: any) => void,
 *   status: (status: any) => void,
 *   state: (state: 'connecting' | 'live' | 'asking' | 'lost') => void,
 * }} Listener
 */

/**
 * Follows one app until the function that it gives is called.
 * @param {string} app
 * @param {Listener} listener
 * @returns {() => void}
 */
export function follow(app, listener) {
  let stopped = false;
  let source = null;
  let failures = 0;
  let connecting = 0;
  let asking = 0;

  const connect = () => {
    source = new EventSource(path('events', { app }));
    source.addEventListener('open', () => {
      failures = 0;
      clearTimeout(asking);
      asking = 0;
      listener.state('live');
      // What happened while nobody listened.
      refresh();
    });
    source.addEventListener('tick', (event) => hear(event, listener.tick));
    source.addEventListener('noted', (event) => hear(event, listener.noted));
    source.addEventListener('error', () => {
      source.close();
      if (stopped) return;
      connecting = setTimeout(connect, WAITS[Math.min(failures++, WAITS.length - 1)]);
      if (!asking) asking = setTimeout(askAgain, ASK_AFTER);
    });
  };

  const refresh = async () => {
    try {
      const status = await ask('status', { app });
      if (!stopped) listener.status(status);
      return true;
    } catch {
      return false;
    }
  };

  const askAgain = async () => {
    asking = setTimeout(askAgain, ASK_EVERY);
    const mine = asking;
    const answered = await refresh();
    if (!stopped && asking === mine) listener.state(answered ? 'asking' : 'lost');
  };

  listener.state('connecting');
  connect();
  return () => {
    stopped = true;
    source.close();
    clearTimeout(connecting);
    clearTimeout(asking);
  };
}

function hear(event, listener) {
  let data;
  try {
    data = JSON.parse(event.data);
  } catch {
    return; // A line that was cut off; the next one tells the same.
  }
  listener(data);
}
