// The live chart: prices come, the page resumes without a hole when the connection or the server is lost, and is told
// when that is impossible. Needs TICKER_SERVER, the binary of examples/ticker; SHOT_DIR, if set, is for screenshots.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { limit, site } from './site.mjs';

const { SHOT_DIR } = process.env;

const ticker = site('TICKER_SERVER');

const number = async (tab, id) => Number(await tab.locator(`#${id}`).textContent());
const atLeast = (tab, id, n) =>
  tab.waitForFunction(([name, least]) => Number(document.getElementById(name).textContent) >= least, [id, n]);
const stateIs = (tab, state) => tab.waitForFunction((s) => document.getElementById('state').dataset.state === s, state);

test('prices come and are drawn', limit, async () => {
  const tab = await ticker.openPage();
  await stateIs(tab, 'open');
  await atLeast(tab, 'events', 60);
  assert.equal(await tab.locator('#symbols li').count(), 4);
  const painted = await tab.evaluate(() => {
    const canvas = document.getElementById('chart');
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v !== 0);
  });
  assert.ok(painted);
  assert.equal(await number(tab, 'resets'), 0);
  assert.deepEqual(tab.troubles, []);
  if (SHOT_DIR) {
    await sleep(3000);
    await tab.screenshot({ path: join(SHOT_DIR, 'ticker.png') });
  }
  await tab.context().close();
});

test('another server has another history, and says so', limit, async () => {
  const tab = await ticker.openPage();
  await atLeast(tab, 'events', 8);
  await ticker.server.stop('SIGKILL');
  await stateIs(tab, 'lost');
  await ticker.server.start();
  await stateIs(tab, 'open');
  await atLeast(tab, 'resets', 1);
  const events = await number(tab, 'events');
  await atLeast(tab, 'events', events + 8);
  assert.equal(await number(tab, 'resumes'), 1);
  assert.deepEqual(tab.troubles, []);
  await tab.context().close();
});

/** The ids and data of `n` events of the stream, read by hand. */
async function read(n, lastEventId) {
  const stop = new AbortController();
  const answer = await fetch(new URL('events', ticker.server.url),
    { signal: stop.signal, headers: lastEventId ? { 'Last-Event-ID': lastEventId } : {} });
  assert.equal(answer.status, 200);
  const events = [];
  let rest = '';
  for await (const bytes of answer.body) {
    const blocks = (rest + Buffer.from(bytes).toString()).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const field = (name) => block.split('\n').filter((l) => l.startsWith(`${name}:`)).map((l) => l.slice(name.length + 1).trimStart()).join('\n');
      if (field('data')) events.push({ id: field('id'), type: field('event'), ...JSON.parse(field('data')) });
    }
    if (events.length >= n) break;
  }
  stop.abort();
  return events.slice(0, n);
}

test('who comes back misses nothing', limit, async () => {
  const first = await read(20);
  await sleep(500);
  const second = await read(20, first.at(-1).id);
  const again = await read(40, first[0].id);
  const prices = (events) => events.map(({ symbol, price, time }) => ({ symbol, price, time }));
  // The same history, read in one piece and in two.
  assert.deepEqual(prices(again).slice(0, 39), prices([...first.slice(1), ...second]));
});
