// The page against the demo, as somebody with a mouse uses it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { assertClean, launch, open, shown } from './browser.js';
import { demo, ending } from './programs.js';

describe('the page of a demo', () => {
  const suite = ending(after);
  let browser;
  let url;

  before(async () => {
    browser = await launch(suite);
    ({ url } = await demo(suite, 600));
  });

  test('shows machines that change, without a reload', async () => {
    const opened = await open(browser, url);
    const { page } = opened;
    await shown(page);
    assert.equal(await page.title(), 'shop · fly-autoscaler');
    await page.evaluate(() => (window.sameDocument = true));
    const first = await page.locator('[data-region] .states').allTextContents();
    assert.match(first.join(), /\d+ started/);

    await page.waitForFunction((before) => [...document.querySelectorAll('[data-region] .states')].some((cell, index) => cell.textContent !== before[index]), first);

    assert.equal(await page.evaluate(() => window.sameDocument), true);
    await assertClean(opened, url);
  });

  test('tells of an action and, when it is clicked, why', async () => {
    const opened = await open(browser, url);
    const { page } = opened;
    await shown(page);
    await page.selectOption('#kind', 'action');
    // The list grows while one looks: its newest entry is not a fixed place.
    const entry = page.locator('.entry[data-kind="action"]').first();
    await entry.waitFor();
    const what = await entry.innerText();
    await entry.click();

    const sheet = page.locator('#explanation');
    await sheet.locator('.summary').waitFor();
    const text = await sheet.innerText();
    assert.match(text, /Tick of /);
    for (const stage of ['Measured', 'Seen', 'Asked for', 'Decided', 'Done']) assert.ok(text.includes(stage), `no ${stage} in\n${text}`);
    assert.match(text, /ceil\(traffic/, 'the expression');
    assert.match(text, /below_min|above_max|stop_before_destroy|wanted_again/, `no cause of ${what}`);
    assert.match(new URL(page.url()).search, /at=/, 'a link leads here again');
    await assertClean(opened, url);
  });

  test('explains what the address asks for, and the newest tick of a region', async () => {
    const { page } = await open(browser, url, { path: '/?at=1772449200000&of=fra' });
    const sheet = page.locator('#explanation[open]');
    await sheet.locator('.summary').waitFor();
    assert.match(await sheet.innerText(), /app in fra/);
    await page.locator('#explanation-close').click();
    await shown(page);
    await page.locator('[data-region="lhr"] .why').click();
    await sheet.getByText('app in lhr').waitFor();
    assert.doesNotMatch(await sheet.innerText(), /app in fra/);
    await sheet.getByRole('button', { name: 'Show all regions of this tick' }).click();
    await sheet.getByText('app in fra').waitFor();
  });

  test('draws what was measured and how many machines there were, for a region and a period', async () => {
    const opened = await open(browser, url);
    const { page } = opened;
    await shown(page);
    for (const title of ['traffic', 'Machines started', 'Machines created']) {
      const panel = page.getByRole('group', { name: title, exact: true });
      await panel.locator('canvas').waitFor();
      assert.match(await panel.locator('.panel-summary').innerText(), /^Now \d.* between \d.* since /);
    }
    await page.locator('[data-range="1h"]').click();
    assert.equal(await page.locator('[data-range="1h"]').getAttribute('aria-pressed'), 'true');
    const whole = await page.locator('#charts .panel-summary').first().innerText();
    await page.locator('[data-region="lhr"] .region-name').click();
    await page.waitForFunction((before) => document.querySelector('#charts .panel-summary').textContent !== before, whole);
    assert.equal(await page.locator('#region').inputValue(), 'lhr');
    await page.getByText('As a table of traffic').click();
    const rows = page.locator('#charts details[open] tbody tr');
    await rows.first().waitFor();
    assert.match(await rows.first().innerText(), /\d\d:\d\d:\d\d\s+\d/);
    await assertClean(opened, url);
  });

  test('shows the configuration with origins, and no secret', async () => {
    const { page } = await open(browser, url);
    const row = page.locator('#config tr', { hasText: 'region.started' }).or(page.locator('#config tr', { hasText: 'FAS_REGION_MIN_STARTED_MACHINE_COUNT' })).first();
    await row.waitFor();
    assert.match(await row.innerText(), /ceil\(traffic \/ 50\)[\s\S]*variable FAS_REGION_MIN_STARTED_MACHINE_COUNT/);
    const few = await page.locator('#config tbody tr').count();
    await page.locator('#config-all').check();
    await page.waitForFunction((before) => document.querySelectorAll('#config tbody tr').length > before, few);
    assert.doesNotMatch(await page.locator('body').innerText(), /fm2_/);
  });

  test('keeps the theme that was chosen', async () => {
    const { page } = await open(browser, url);
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.selectOption('#theme', 'dark');
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await ground(), dark);
    assert.equal(await page.locator('#theme').inputValue(), 'dark');
  });
});
