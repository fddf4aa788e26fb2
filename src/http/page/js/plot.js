// How a panel looks, in uPlot's terms.

import uPlot from '../vendor/uplot/uPlot.esm.js';

import { number } from './time.js';

const HEIGHT = 132;
const DAY = 86_400;
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const second = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** Resolves a colour of the theme: a canvas does not know custom properties. */
function colours() {
  const probe = document.createElement('i');
  probe.hidden = true;
  document.body.append(probe);
  const resolve = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const own = { ink: resolve('--muted'), grid: resolve('--line'), metric: resolve('--metric'), metricFill: resolve('--metric-fill'), machines: resolve('--machines'), band: resolve('--band'), bound: resolve('--bound') };
  probe.remove();
  return own;
}

/**
 * @param {import('./series.js').Panel} panel
 * @param {number} width
 * @param {{ onCursor: (index: number | null) => void, onClick: (index: number) => void }} listener
 */
export function options(panel, width, listener) {
  const colour = colours();
  const stepped = uPlot.paths.stepped({ align: 1 });
  const paths = panel.stepped ? stepped : undefined;
  const bound = { stroke: colour.bound, width: 1, paths: stepped, points: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    scales: { x: { time: true, auto: false }, y: { auto: false } },
    cursor: {
      sync: { key: 'time', scales: ['x', null] },
      drag: { x: false, y: false },
      y: false,
      points: { size: 7, fill: (plot, index) => (index === 1 ? plot.series[1].stroke() : 'transparent') },
      bind: { dblclick: () => null },
    },
    series: [
      {},
      panel.stepped
        ? { stroke: colour.machines, width: 2, paths, points: { show: false } }
        : { stroke: colour.metric, width: 1.5, fill: colour.metricFill, points: { show: false } },
      bound,
      bound,
    ],
    bands: panel.min && panel.max ? [{ series: [3, 2], fill: colour.band }] : [],
    axes: [
      { stroke: colour.ink, font: font(), grid: { stroke: colour.grid, width: 1 }, ticks: { show: false }, size: 22, gap: 4, space: 64, values: timeLabels },
      { stroke: colour.ink, font: font(), grid: { stroke: colour.grid, width: 1 }, ticks: { show: false }, size: 44, gap: 6, space: 30, values: (_, splits) => splits.map(number), incrs: panel.stepped ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] : undefined },
    ],
    hooks: {
      setCursor: [(plot) => listener.onCursor(plot.cursor.left >= 0 ? plot.cursor.idx ?? null : null)],
      ready: [(plot) => plot.over.addEventListener('click', () => plot.cursor.idx !== null && plot.cursor.idx !== undefined && listener.onClick(plot.cursor.idx))],
    },
  };
}

const font = () => '11px ui-sans-serif, system-ui, sans-serif';

/** Hours and minutes; at midnight, and where the steps are days, the date. */
function timeLabels(_, splits, __, ___, step) {
  return splits.map((at) => {
    const own = new Date(at * 1000);
    if (step >= DAY || (own.getHours() === 0 && own.getMinutes() === 0 && own.getSeconds() === 0)) return date.format(own);
    return (step < 60 ? second : time).format(own);
  });
}
