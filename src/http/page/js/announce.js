// What a screen reader is told without asking: what changed, and not more often than one can listen.

import { byId } from './dom.js';

/** How far apart two announcements are at least, in milliseconds. */
const APART = 10_000;

let last = -Infinity;
let waiting = 0;
let text = '';

/** Says `sentence` as soon as it is not too much; of several that wait, the last. */
export function announce(sentence) {
  text = sentence;
  if (waiting) return;
  waiting = setTimeout(() => {
    waiting = 0;
    last = performance.now();
    byId('announcer').textContent = text;
  }, Math.max(0, last + APART - performance.now()));
}
