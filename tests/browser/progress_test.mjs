// A long job on the page: it tells its progress, goes on after a cut, and stops when nobody listens. Needs
// PROGRESS_SERVER, the binary of examples/progress; SHOT_DIR, if set, is where screenshots go.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { limit, site } from './site.mjs';

const { SHOT_DIR } = process.env;

const progress = site('PROGRESS_SERVER');

const text = (tab, id) => tab.locator(`#${id}`).textContent();
const number = async (tab, id) => Number((await text(tab, id)).replaceAll(',', ''));
const stateIs = (tab, state) => tab.waitForFunction((s) => document.getElementById('state').textContent === s, state);

async function count(tab, below) {
  await tab.selectOption('#below', below);
  await tab.click('#start');
}

async function jobs() {
  return (await fetch(new URL('jobs', progress.server.url))).json();
}

/** Until the server says so; for what it learns by the end of a connection. */
async function jobsBecome(expected) {
  let seen;
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    seen = await jobs();
    if (Object.entries(expected).every(([name, value]) => seen[name] === value)) return;
  }
  assert.deepEqual(seen, expected);
}

test('a job runs to its end', limit, async () => {
  const tab = await progress.openPage();
  const before = await jobs();
  await count(tab, '3000000');
  await stateIs(tab, 'finished');
  assert.equal(await number(tab, 'count'), 216_816);  // the primes below 3 million
  assert.equal(await number(tab, 'reached'), 3_000_000);
  assert.equal(await tab.locator('#bar').evaluate((bar) => bar.value), 1);
  await jobsBecome({ running: 0, finished: before.finished + 1 });
  assert.deepEqual(tab.troubles, []);
  if (SHOT_DIR) await tab.screenshot({ path: join(SHOT_DIR, 'progress-finished.png') });
  await tab.context().close();
});

test('a job stops when its page goes away', limit, async () => {
  const tab = await progress.openPage();
  const before = await jobs();
  await count(tab, '1000000000000');
  await tab.waitForFunction(() => document.getElementById('count').textContent !== '0');
  if (SHOT_DIR) await tab.screenshot({ path: join(SHOT_DIR, 'progress-running.png') });
  assert.equal((await jobs()).running, 1);
  await tab.context().close();
  await jobsBecome({ running: 0, stopped: before.stopped + 1 });
});

test('a job stops on request', limit, async () => {
  const tab = await progress.openPage();
  const before = await jobs();
  await count(tab, '1000000000000');
  await tab.waitForFunction(() => document.getElementById('count').textContent !== '0');
  await tab.click('#stop');
  await stateIs(tab, 'stopped');
  await jobsBecome({ running: 0, stopped: before.stopped + 1 });
  await tab.context().close();
});

test('a job goes on from where it was when the server is another one', limit, async () => {
  const tab = await progress.openPage();
  await count(tab, '1000000000000');
  await tab.waitForFunction(() => document.getElementById('count').textContent !== '0');
  await progress.server.stop('SIGKILL');
  await stateIs(tab, 'connection lost, coming back');
  const reached = await number(tab, 'reached');
  const found = await number(tab, 'count');
  await progress.server.start();
  await stateIs(tab, 'counting');
  await tab.waitForFunction((n) => Number(document.getElementById('reached').textContent.replaceAll(',', '')) !== n, reached);
  assert.ok(await number(tab, 'reached') > reached);
  assert.ok(await number(tab, 'count') > found);
  assert.deepEqual(tab.troubles, []);
  await tab.context().close();
});

test('what is no number is refused', limit, async () => {
  for (const below of ['', 'many', '-1', '1000000000001', '99999999999999999999'])
    assert.equal((await fetch(new URL(`count?below=${below}`, progress.server.url))).status, 400);
});
