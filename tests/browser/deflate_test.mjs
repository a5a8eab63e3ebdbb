// Chromium talks compressed to a server that asks it for every mode. Needs DEFLATE_SERVER, the binary of
// deflate_server.cpp; CHROMIUM if it is not /usr/bin/chromium.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limit, site } from './site.mjs';

// What the server is told, and what Chromium says was agreed on. It offers "permessage-deflate; client_max_window_bits".
const modes = [
  ['mode=off', ''],
  ['mode=takeover', 'permessage-deflate'],
  ['mode=no-takeover', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
  ['mode=takeover&server_alone=1', 'permessage-deflate; server_no_context_takeover'],
  ['mode=takeover&client_alone=1', 'permessage-deflate; client_no_context_takeover'],
];
for (let bits = 8; bits < 15; ++bits) {
  const both = `server_max_window_bits=${bits}; client_max_window_bits=${bits}`;
  modes.push([`mode=takeover&server_bits=${bits}&client_bits=${bits}`, `permessage-deflate; ${both}`]);
  modes.push([`mode=takeover&server_bits=${bits}&level=6`, `permessage-deflate; server_max_window_bits=${bits}`]);
}
modes.push(['mode=no-takeover&server_bits=9&client_bits=10',
  'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10']);

let tab;
const deflate = site('DEFLATE_SERVER', async (it) => {
  tab = await it.openPage();
});

/** In the page: sends texts and bytes of all sizes, twice and all at once, and compares what comes back. */
async function converse(url) {
  const ws = new WebSocket(url);
  ws.binaryType = 'arraybuffer';
  const came = [];
  let wake = () => {};
  ws.onmessage = ({ data }) => { came.push(data); wake(); };
  const closed = new Promise((resolve) => (ws.onclose = ({ code, reason }) => { resolve(`${code} ${reason}`); wake(); }));
  const next = async () => {
    while (!came.length) {
      if (ws.readyState === WebSocket.CLOSED) throw new Error(`closed early: ${await closed}`);
      await new Promise((resolve) => (wake = resolve));
    }
    return came.shift();
  };
  await new Promise((resolve, reject) => { ws.onopen = resolve; ws.onerror = () => reject(new Error('no connection')); });

  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647);
  const prose = (n) => {
    let text = '';
    while (text.length < n) text += ['market ', '{"price":', '世界 ', 'the quick brown fox ', `${random()}`][random() % 5];
    return text.slice(0, n);
  };
  const noise = (n) => Uint8Array.from({ length: n }, () => random() >> 8);
  const sent = [];
  for (const size of [0, 1, 127, 128, 300, 600, 5000, 32768, 65536, 1 << 20]) {
    const text = prose(size);
    sent.push(text, noise(size), text, new Uint8Array(size));
  }
  for (const message of sent) ws.send(message);
  const wrong = [];
  for (const [i, message] of sent.entries()) {
    const got = await next();
    const same = typeof message === 'string' ? got === message
      : got.byteLength === message.length && new Uint8Array(got).every((b, at) => b === message[at]);
    if (!same) wrong.push(`message ${i} of ${message.length}`);
  }
  ws.send('stats');
  const stats = JSON.parse(await next());
  ws.close(1000, 'done');
  return { extensions: ws.extensions, wrong, stats, closed: await closed };
}

for (const [query, agreed] of modes) {
  test(`everything comes back with ${query}`, limit, async () => {
    const { extensions, wrong, stats, closed } = await tab.evaluate(converse, `${deflate.server.url.replace('http', 'ws')}ws?${query}`);
    assert.equal(extensions, agreed);
    assert.deepEqual(wrong, []);
    assert.match(closed, /^1000/);
    if (agreed) {
      assert.ok(stats.inflated_to > 2 * stats.inflated_from && stats.inflated_from > 0, JSON.stringify(stats));
      assert.ok(stats.deflated_from > stats.deflated_to && stats.deflated_to > 0, JSON.stringify(stats));
    } else {
      assert.deepEqual(stats, { inflated_from: 0, inflated_to: 0, deflated_from: 0, deflated_to: 0 });
    }
  });
}
