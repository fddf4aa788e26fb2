// What a screen reader is told without asking: what changed, and not more often than one can listen.

import { byId } from './dom.js';

/** How far apart two announcements are at least, in milliseconds. */
const APART = 10_000;

let last = -Infinity;
let waiting = 0;
let text = '';

/**
 * Says `sentence` as soon as it is not too much; of several that wait, the last.
 * @param {string} sentence
 * @param {{ atOnce?: boolean }} [how] `atOnce`: it cannot wait
 */
export function announce(sentence, { atOnce = false } = {}) {
  text = sentence;
  if (atOnce) {
    clearTimeout(waiting);
    say();
  } else if (!waiting) {
    waiting = setTimeout(say, Math.max(0, last + APART - performance.now()));
  }
}

function say() {
  waiting = 0;
  last = performance.now();
  byId('announcer').textContent = text;
}
