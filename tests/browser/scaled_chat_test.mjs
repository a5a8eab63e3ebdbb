// The chat of three nodes in Chromium, while the page's node is killed. Needs SCALED_CHAT (the node's binary); SHOT_DIR,
// if set, is where screenshots go.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openBrowser, sitDown } from './chat_page.mjs';

const { SCALED_CHAT, SHOT_DIR } = process.env;
const limit = { timeout: 180_000 };
const patience = 60_000;
const numbers = 60;

let child;
let output = '';
let url;
let browser;

before(async () => {
  assert.ok(SCALED_CHAT, 'set SCALED_CHAT=path/to/scaled_chat');
  child = spawn('../../examples/scaled_chat/run', [],
    { env: { ...process.env, COAX_SCALED_CHAT: SCALED_CHAT }, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const end = Date.now() + patience;
  while (!output.includes('Ctrl-C ends')) {
    assert.ok(child.exitCode === null && Date.now() < end, `the site did not come up:\n${output}`);
    await delay(50);
  }
  url = output.match(/chat: +(http:\S+)/)[1];
  browser = await openBrowser();
}, limit);

after(async () => {
  await browser?.close();
  if (child && child.exitCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
}, limit);

const nodeOf = async (person) => (await person.tab.locator('.brand').getAttribute('title')).replace('Served by ', '');

async function shoot(tab, name) {
  if (!SHOT_DIR) return;
  await mkdir(SHOT_DIR, { recursive: true });
  await tab.screenshot({ path: join(SHOT_DIR, `${name}.png`) });
}

test('a page goes on without a gap when its node is killed', limit, async () => {
  const ada = await sitDown(browser, url, { name: 'Ada', room: 'numbers' });
  await ada.state('open');
  // New guests go where the fewest are: not to Ada's node.
  const bob = await sitDown(browser, url, { name: 'Bob', room: 'numbers' });
  await bob.state('open');
  const [adas, bobs] = await Promise.all([nodeOf(ada), nodeOf(bob)]);
  assert.notEqual(adas, bobs);
  await ada.sits('Ada', 'Bob');
  const status = await (await browser.newContext()).newPage();
  await status.goto(`${url}status/`);
  await status.waitForFunction(() => document.querySelectorAll('#nodes tr:not(.gone)').length === 3, null, { timeout: patience });
  await shoot(status, 'status-before');

  const cookies = await ada.context.cookies();
  assert.ok(cookies.some(({ name, value }) => name === 'coax_node' && value.startsWith(`${adas}.`)));

  const process = output.match(new RegExp(`${adas} is process (\\d+)`))[1];
  for (let n = 1; n <= numbers; n++) {
    await bob.say(`number ${n}`);
    await bob.hears(`number ${n}`, 'Bob');
    if (n === numbers / 3) globalThis.process.kill(Number(process), 'SIGKILL');
  }
  await ada.hears(`number ${numbers}`, 'Bob');
  await ada.state('open');
  const expected = Array.from({ length: numbers }, (_, i) => `number ${i + 1}`);
  assert.deepEqual(await ada.everySaid(), expected);
  assert.deepEqual(await bob.everySaid(), expected);
  assert.notEqual(await nodeOf(ada), adas);
  await ada.sees('system', 'You are back');

  await ada.say('still here');
  await bob.hears('still here', 'Ada');
  await status.waitForFunction((name) => document.querySelector(`tr[data-node=${name}]`)?.classList.contains('gone'), adas,
    { timeout: patience });
  await ada.sits('Ada', 'Bob');
  await shoot(ada.tab, 'scaled-chat');
  await shoot(status, 'status-after');
  assert.deepEqual([...ada.troubles, ...bob.troubles], []);
  await Promise.all([ada, bob].map((person) => person.context.close()));
});

test('the handshake of a WebSocket brings a browser home', limit, async () => {
  const context = await browser.newContext();
  const tab = await context.newPage();
  const inspector = await context.newCDPSession(tab);
  await inspector.send('Network.enable');
  await tab.goto(`${url}chat.css`);
  // Another request of the page, for an icon, may have brought a cookie in between: then once more.
  for (let told; !told;) {
    await context.clearCookies();
    const answered = once(inspector, 'Network.webSocketHandshakeResponseReceived');
    await tab.evaluate(() => new Promise((done, fail) => {
      const socket = new WebSocket(`ws://${location.host}/ws?guest=eve`, 'coax.resume.v1');
      socket.onopen = done;
      socket.onerror = () => fail(new Error('no WebSocket'));
    }));
    const [{ response }] = await answered;
    assert.equal(response.status, 101);
    told = Object.entries(response.headers).find(([name]) => name.toLowerCase() === 'set-cookie')?.[1];
    if (!told) continue;
    assert.match(told, /^coax_node=n\d\./);
    const [cookie] = await context.cookies();
    if (`${cookie.name}=${cookie.value}` !== told.split(';')[0]) told = undefined;
  }
  await context.close();
});
