// Renews the pictures of the page in docs/images, from a demo of some simulated hours: `npm run screenshots`.

import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { PHONE, launch, open, shown } from './browser.js';
import { demo } from './programs.js';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
/** How long the demo runs before, in simulated hours: Europe's day rises, its evening comes. */
const HOURS = 9;
const SPEED = 400;
const DESK = { width: 1280, height: 860 };
/** An explanation is text, which is more bytes. */
const SMALL_DESK = { width: 1100, height: 720 };
/** A larger picture is too much to have in a repository. */
const MOST_BYTES = 200 * 1024;

const ends = [];
const script = { after: (end) => ends.push(end) };

async function picture(browser, url, name, how, prepare = async () => {}) {
  const { page } = await open(browser, url, how);
  await shown(page);
  await page.locator('.entry').first().waitFor();
  await page.locator('#charts canvas').first().waitFor();
  await prepare(page);
  const path = `${IMAGES}${name}.png`;
  await page.screenshot({ path, animations: 'disabled' });
  const { size } = statSync(path);
  if (size > MOST_BYTES) throw new Error(`${name}.png has ${size} bytes`);
  console.log(`docs/images/${name}.png: ${Math.round(size / 1024)} KiB`);
  await page.context().close();
}

async function explained(page) {
  await page.locator('.entry[data-kind="action"]').first().click();
  await page.locator('#explanation[open] .summary').waitFor();
}

try {
  mkdirSync(IMAGES, { recursive: true });
  const { url } = await demo(script, SPEED);
  const browser = await launch(script);
  const watched = await open(browser, url);
  await shown(watched.page);
  await watched.page.waitForFunction((until) => Date.parse(document.querySelector('[data-tile="outcome"] time').dateTime) > until, Date.UTC(2026, 2, 2, 10 + HOURS), { timeout: (HOURS * 3600 * 2000) / SPEED });
  for (const colorScheme of ['light', 'dark']) {
    await picture(browser, url, `page-${colorScheme}`, { colorScheme, viewport: DESK });
    await picture(browser, url, `page-why-${colorScheme}`, { colorScheme, viewport: SMALL_DESK }, explained);
  }
  await picture(browser, url, 'page-phone', { viewport: PHONE });
} finally {
  for (const end of ends.reverse()) await end();
}
