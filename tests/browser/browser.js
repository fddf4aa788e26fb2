// Chromium, and an eye on everything that a page does.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';

const CANDIDATES = [process.env.FAS_TEST_CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How long to wait for a state, in milliseconds. */
const PATIENCE = 30_000;

export const DESKTOP = { width: 1440, height: 1000 };
export const PHONE = { width: 390, height: 844 };

/** Starts a browser that ends with `context`. */
export async function launch(context) {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  assert.ok(executablePath, 'no chromium: apt-get install chromium, or set FAS_TEST_CHROMIUM');
  // Containers run as root and have a small /dev/shm.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  context.after(() => browser.close());
  return browser;
}

/**
 * Opens a page of its own and notes what it does wrong.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @param {{ viewport?: { width: number, height: number }, colorScheme?: 'light' | 'dark', path?: string, prepare?: (page: import('playwright-core').Page) => Promise<void> }} [how]
 */
export async function open(browser, url, how = {}) {
  const { viewport = DESKTOP, colorScheme = 'light', path = '/', prepare } = how;
  const context = await browser.newContext({ viewport, colorScheme, timezoneId: 'Europe/Berlin', locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  /** What was logged as an error, thrown, or refused by the policy. */
  const wrong = [];
  /** Every address that was asked for, by whomever. */
  const asked = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`thrown: ${error.stack}`));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('popup', () => wrong.push('a window was opened'));
  context.on('request', (request) => asked.push(request.url()));
  await page.addInitScript(() => {
    window.refused = [];
    document.addEventListener('securitypolicyviolation', (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await prepare?.(page);
  await page.goto(url + path);
  return { page, wrong, asked };
}

/** Fails where anything went wrong on the page, or something was asked of somebody else. */
export async function assertClean({ page, wrong, asked }, url) {
  assert.deepEqual(wrong, []);
  assert.deepEqual(await page.evaluate(() => window.refused), []);
  const own = new URL(url).origin;
  assert.ok(asked.length > 10, 'the requests were not seen');
  assert.deepEqual(asked.filter((address) => new URL(address).origin !== own && !address.startsWith('data:')), []);
}

/** Waits until the app is on the page. */
export async function shown(page) {
  await page.locator('#connection[data-state="live"]').waitFor();
  await page.locator('[data-region="lhr"]').waitFor();
}

/** Fails where axe finds a barrier. */
export async function assertAccessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  const violations = found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => `${node.html} ${node.any.map((own) => own.message).join('; ')}`) }));
  assert.deepEqual(violations, [], where);
  assert.ok(found.passes.length > 20, 'axe looked at next to nothing');
}
