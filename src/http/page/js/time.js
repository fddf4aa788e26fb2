// Times as people write them: in the viewer's zone, with UTC at hand.

import { el, setAttribute, setText } from './dom.js';

const format = (options) => new Intl.DateTimeFormat('en-GB', { hourCycle: 'h23', ...options });
const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
const DAY = { weekday: 'short', day: 'numeric', month: 'short' };
const clock = format(CLOCK);
const short = format({ hour: '2-digit', minute: '2-digit' });
const day = format(DAY);
const both = format({ ...DAY, ...CLOCK });
const utc = format({ ...DAY, year: 'numeric', ...CLOCK, timeZone: 'UTC' });

/** Milliseconds since the epoch, of a text or of a number of them. */
export const millis = (at) => (typeof at === 'number' ? at : Date.parse(at));

export const clockTime = (at) => clock.format(millis(at));
export const shortTime = (at) => short.format(millis(at));
export const dayName = (at) => day.format(millis(at));
export const dayAndTime = (at) => both.format(millis(at));
export const utcTime = (at) => `${utc.format(millis(at))} UTC`;

/** The viewer's time zone, such as `Europe/Berlin`. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A `time` element. */
export function timeNode(at, shown = clockTime) {
  const node = el('time');
  showTime(node, at, shown);
  return node;
}

/** Changes what a `time` element says. */
export function showTime(node, at, shown = clockTime) {
  setAttribute(node, 'datetime', new Date(millis(at)).toISOString());
  setAttribute(node, 'title', utcTime(at));
  setText(node, shown(at));
}

/** How long, roughly: `8 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function lasting(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const [large, small, units] = minutes < 36 * 60 ? [Math.floor(minutes / 60), minutes % 60, ['h', 'min']] : [Math.floor(minutes / 1440), Math.round((minutes % 1440) / 60), ['d', 'h']];
  return small ? `${large} ${units[0]} ${small} ${units[1]}` : `${large} ${units[0]}`;
}

/** A number as short as it can be without hiding a change. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-GB', { maximumFractionDigits: digits });
}
