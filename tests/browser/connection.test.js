// What the page says when the server is gone, and that it finds back.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { launch, open, shown } from './browser.js';
import { demo, ending } from './programs.js';

describe('the connection', () => {
  const suite = ending(after);
  let browser;

  before(async () => {
    browser = await launch(suite);
  });

  test('is shown as lost when the server ends, and as live when there is one again', async (context) => {
    const first = await demo(context, 240);
    const { page } = await open(browser, first.url);
    await shown(page);
    await page.evaluate(() => (window.sameDocument = true));

    await first.stop();
    await page.locator('#connection[data-state="lost"]').waitFor();
    assert.match(await page.locator('#connection').innerText(), /connection lost/);
    assert.ok(await page.locator('[data-region="lhr"]').isVisible(), 'what was known stays');

    await demo(context, 240, new URL(first.url).host);
    await page.locator('#connection[data-state="live"]').waitFor();
    assert.equal(await page.evaluate(() => window.sameDocument), true);
    await page.waitForFunction(() => document.getElementById('announcer').textContent.includes('live'));
  });

  test('goes on by asking where events do not get through', async (context) => {
    const { url } = await demo(context, 240);
    const { page } = await open(browser, url, { prepare: (own) => own.route('**/api/v1/events*', (route) => route.abort()) });
    await page.locator('#connection[data-state="asking"]').waitFor();
    const time = page.locator('[data-tile="outcome"] time');
    const first = await time.getAttribute('datetime');
    await page.waitForFunction((before) => document.querySelector('[data-tile="outcome"] time').dateTime !== before, first);

    await page.unroute('**/api/v1/events*');
    await page.locator('#connection[data-state="live"]').waitFor();
  });
});
