// The page without a mouse, and as assistive technology reads it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { DESKTOP, PHONE, assertAccessible, launch, open, shown } from './browser.js';
import { demo, ending } from './programs.js';

/** More presses of Tab than the page has stops. */
const STOPS = 300;

describe('the page of a demo, without a mouse', () => {
  const suite = ending(after);
  let browser;
  let url;

  before(async () => {
    browser = await launch(suite);
    ({ url } = await demo(suite, 240));
  });

  test('opens an entry, reads it, closes it, and is back where it was', async () => {
    const { page } = await open(browser, url);
    await shown(page);
    await page.locator('.entry').first().waitFor();
    const focused = () => page.evaluate(() => document.activeElement.className);
    for (let presses = 0; (await focused()) !== 'entry'; presses++) {
      assert.ok(presses < STOPS, 'no entry is reached with Tab');
      await page.keyboard.press('Tab');
    }
    await page.evaluate(() => (window.left = document.activeElement));

    await page.keyboard.press('Enter');
    await page.locator('#explanation[open] .summary').waitFor();
    assert.equal(await page.evaluate(() => document.getElementById('explanation').contains(document.activeElement)), true, 'the focus is in the sheet');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'explanation-close');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'explanation-body', 'what is long can be scrolled');

    await page.keyboard.press('Escape');
    await page.locator('#explanation').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement === window.left), true, 'the focus is back');
  });

  test('leads past the header first', async () => {
    const { page } = await open(browser, url);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  });

  for (const colorScheme of ['light', 'dark']) {
    for (const [name, viewport] of [['a desk', DESKTOP], ['a phone', PHONE]]) {
      test(`has no barrier that axe knows, ${colorScheme}, on ${name}`, async () => {
        const { page } = await open(browser, url, { colorScheme, viewport });
        await shown(page);
        await page.locator('.entry').first().waitFor();
        await page.locator('#charts canvas').first().waitFor();
        await page.locator('#config tbody tr').first().waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), false, 'nothing sticks out');
        await assertAccessible(page, 'the page');

        await page.locator('.entry').first().click();
        await page.locator('#explanation[open] .summary').waitFor();
        await assertAccessible(page, 'an explanation');
      });
    }
  }

  test('moves nothing for those who do not want it', async () => {
    const { page } = await open(browser, url);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await shown(page);
    const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((node) => parseFloat(getComputedStyle(node).transitionDuration) > 0 || getComputedStyle(node).animationName !== 'none').length);
    assert.equal(moving, 0);
  });
});
