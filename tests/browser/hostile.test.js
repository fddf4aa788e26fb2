// Names, labels and error texts that would like to be markup, all the way from those who send them through the
// real server onto the page.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';

import { assertClean, launch, open } from './browser.js';
import { demo, ending, start } from './programs.js';

/**
 * Runs wherever it is taken for markup or for an attribute; `name` says from where it came. Short, because a label
 * that is longer than 64 characters is refused before.
 */
const hostile = (name) => `'"><img src=x onerror="window.ran='${name}'">`;
/** What would also run in a script. */
const long = (name) => `${hostile(name)}</script><script>window.ran='${name}'</script>`;

const APP = hostile('app');
const LABEL = hostile('label');
const PLACE = hostile('place');

const MACHINES = [['a1', 'lhr', 'stopped'], ['b2', PLACE, 'started']].map(([id, region, state]) => ({
  id,
  name: long('name'),
  state,
  region,
  instance_id: `01${id}`,
  host_status: 'ok',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  config: { image: 'registry/app:1', metadata: { fly_process_group: 'app', fly_platform_version: 'v2' }, guest: { cpu_kind: 'shared', cpus: 1, memory_mb: 256 } },
}));

/** A Fly and a Prometheus that send such texts in every place. `isWell` says whether there is a sample. */
async function badNeighbours(context) {
  const state = { isWell: true };
  const answers = [
    [/^GET \/v1\/apps\/[^/]+\/machines(\?|$)/, () => [200, MACHINES]],
    [/^GET \/v1\/apps\?/, () => [200, { apps: [{ name: APP }] }]],
    [/^GET \/v1\/orgs\/acme\/machines/, () => [200, { machines: MACHINES.map((own) => ({ app_name: APP, ...own })), next_cursor: '' }]],
    [/^GET \/v1\/platform\/regions/, () => [200, { Regions: [{ code: 'lhr', name: hostile('region'), latitude: 51, longitude: 0 }] }]],
    [/^POST \/graphql/, () => [200, { data: { app: { currentRelease: { version: 1, status: 'complete', createdAt: '2026-01-01T00:00:00Z' } } } }]],
    [/\/api\/v1\/query/, () => (state.isWell ? [200, sample()] : [503, { status: 'error', errorType: 'unavailable', error: long('metric') }])],
    [/./, () => [422, { error: long('fly') }]],
  ];
  const server = createServer((request, response) => {
    request.resume();
    const [status, body] = answers.find(([pattern]) => pattern.test(`${request.method} ${request.url}`))[1]();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.closeAllConnections() ?? server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, state };
}

const sample = () => ({
  status: 'success',
  data: { resultType: 'vector', result: [{ metric: { region: 'lhr' }, value: [Date.now() / 1000, '120'] }, { metric: { region: LABEL }, value: [Date.now() / 1000, '7'] }] },
});

describe('texts that would like to be markup', () => {
  const suite = ending(after);
  let browser;
  let url;
  let neighbours;

  before(async () => {
    browser = await launch(suite);
    neighbours = await badNeighbours(suite);
    ({ url } = await start(suite, ['serve'], {
      FAS_APP_NAME: '*',
      FAS_ORG: 'acme',
      FAS_API_TOKEN: 'fm2_test',
      FAS_INTERVAL: '1s',
      FAS_LISTEN: '127.0.0.1:0',
      FAS_REGIONS: 'lhr',
      FAS_REGION_STARTED_MACHINE_COUNT: 'ceil(traffic / 50)',
      FAS_PROMETHEUS_ADDRESS: neighbours.url,
      FAS_PROMETHEUS_TOKEN: 'fm2_test',
      FAS_PROMETHEUS_METRIC_NAME: 'traffic',
      FAS_PROMETHEUS_BY: 'region',
      FAS_PROMETHEUS_QUERY: long('query'),
      FLY_FLAPS_BASE_URL: neighbours.url,
      FLY_API_BASE_URL: neighbours.url,
    }));
  });

  test('are shown as text, and none of them runs', async () => {
    const opened = await open(browser, url);
    const { page } = opened;
    const says = (place, text) => page.waitForFunction(([selector, wanted]) => [...document.querySelectorAll(selector)].some((node) => node.textContent.includes(wanted)), [place, text]);

    await says('h1', APP);
    // A label is a name in expressions, and loses there what no name has.
    await says('#regions th', LABEL.replace(/[^a-z]/g, '_'));
    await says('#regions th', PLACE);
    await says('#config code', long('query'));
    // Fly refuses the start: the history tells so, and the explanation does.
    await says('#history .entry', hostile('fly'));
    await page.locator('.entry[data-kind="action"]').first().click();
    await page.locator('#explanation[open] .summary').waitFor();
    await says('#explanation', hostile('fly'));
    await page.keyboard.press('Escape');
    neighbours.state.isWell = false;
    await says('.banner', hostile('metric'));
    await says('#history .entry', hostile('metric'));

    assert.equal(await page.evaluate(() => window.ran), undefined);
    assert.equal(await page.locator('img[src="x"], main script').count(), 0);
    await assertClean(opened, url);
  });

  test('do no harm in the address either', async () => {
    const query = new URLSearchParams({ region: hostile('chosen'), kind: hostile('kind'), range: hostile('range'), at: hostile('at'), of: hostile('of') });
    const { page } = await open(browser, url, { path: `/?${query}` });
    await page.locator('#connection[data-state="live"]').waitFor();
    await page.waitForFunction((wanted) => document.getElementById('region').value === wanted, hostile('chosen'));
    assert.equal(await page.evaluate(() => window.ran), undefined);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
  });

  test('do no harm in any text of any answer', async (context) => {
    const { url: real } = await demo(context, 240);
    const answered = new Set();
    const opened = await open(browser, real, {
      prepare: async (page) => {
        await page.route('**/api/v1/events*', (route) => route.abort());
        await page.route('**/api/v1/{apps,status,history,chart,explain,config}*', async (route) => {
          const address = new URL(route.request().url());
          for (const [key, value] of [...address.searchParams]) address.searchParams.set(key, value.split("'")[0]);
          const answer = await route.fetch({ url: address.href });
          answered.add(address.pathname);
          await route.fulfill({ response: answer, json: poisoned(await answer.json()) });
        });
      },
    });
    const { page, wrong } = opened;
    await page.locator('.entry[data-kind="action"]').first().waitFor();
    await page.locator('#charts canvas').first().waitFor();
    await page.locator('#config tbody tr').first().waitFor();
    await page.locator('.entry[data-kind="action"]').first().click();
    await page.locator('#explanation[open] .summary').waitFor();

    assert.deepEqual([...answered].map((path) => path.split('/').pop()).sort(), ['apps', 'chart', 'config', 'explain', 'history', 'status']);
    for (const place of ['h1', '.region-name', '#charts h3', '.entry', '#config td', '#explanation']) assert.match(await page.locator(place).first().innerText(), /<img src=x/, place);
    assert.equal(await page.evaluate(() => window.ran), undefined);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    // The stream was kept away on purpose.
    assert.deepEqual(wrong.filter((text) => !text.includes('ERR_FAILED')), []);
    assert.deepEqual(await page.evaluate(() => window.refused), []);
  });
});

/** Words that the page tells apart, and times. */
const PLAIN = new Set(['line', 'kind', 'side', 'stage', 'weight', 'result', 'outcome', 'verb', 'instead', 'version']);
const TIME = /^\d{4}-\d\d-\d\dT/;

/** The same data with markup at the end of each text and of each name, except where that makes it another answer. */
function poisoned(data, key = '') {
  if (Array.isArray(data)) return data.map((own) => poisoned(own, typeof own === 'string' ? key : ''));
  if (typeof data === 'string') return PLAIN.has(key) || TIME.test(data) ? data : data + hostile('text');
  if (data === null || typeof data !== 'object') return data;
  const isMap = key === 'samples' || key === 'machines' || key === 'regions' || key === 'actions';
  return Object.fromEntries(Object.entries(data).map(([name, own]) => [isMap ? name + hostile('name') : name, poisoned(own, name)]));
}
