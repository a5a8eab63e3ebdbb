// The package ws of npm and coax talk to each other, each in both roles.
// COAX_EXAMPLES names the folder of echo_server and echo_client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Certificate, Program, inTime } from './programs.mjs';

const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20];
const texts = ['', 'plain', 'Grüße, 世界, 🌍', '\0\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}', 'é'.repeat(40000)];

// Status and reason that ws closes with; whether echo_client calls it a clean end.
const closes = [
  [1000, '', true], [1000, 'done', true], [1001, 'off, 世界', true], [1003, 'no', false],
  [1011, 'broken', false], [3000, '', false], [4999, 'r'.repeat(123), false],
];

/** The messages of a connection, one after the other: text as a string, binary as a Buffer. */
class Inbox {
  #waiting = [];
  #messages = [];

  constructor(ws) {
    ws.on('message', (data, isBinary) => {
      const message = isBinary ? data : data.toString();
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#messages.push(message);
    });
  }

  next() {
    if (this.#messages.length) return Promise.resolve(this.#messages.shift());
    return inTime(new Promise((resolve) => this.#waiting.push(resolve)), 'a message');
  }
}

async function closed(ws) {
  const [status, reason] = await inTime(once(ws, 'close'), 'the close');
  return [status, reason.toString()];
}

const conversations = {
  async sizes(ws, inbox) {
    for (const size of sizes) {
      const bytes = Buffer.from({ length: size }, (_, i) => i * 7);
      ws.send(bytes);
      assert.ok(bytes.equals(await inbox.next()), `${size} bytes`);
      ws.send('x'.repeat(size));
      assert.equal(await inbox.next(), 'x'.repeat(size));
    }
  },

  async texts(ws, inbox) {
    for (const text of texts) {
      ws.send(text);
      assert.equal(await inbox.next(), text);
    }
  },

  async fragments(ws, inbox) {
    const world = Buffer.from('世界');
    ws.send('one, ', { fin: false });
    ws.ping('between');
    ws.send(world.subarray(0, 2), { fin: false });
    ws.send('', { fin: false });
    ws.send(world.subarray(2), { fin: true });
    assert.equal(await inbox.next(), 'one, 世界');
    ws.send(Buffer.alloc(70000), { binary: true, fin: false });
    ws.send(Buffer.alloc(0), { fin: true });
    assert.ok(Buffer.alloc(70000).equals(await inbox.next()));
  },

  async pings(ws) {
    for (const payload of ['', 'payload', 'p'.repeat(125)]) {
      const pong = inTime(once(ws, 'pong'), 'a pong');
      ws.ping(payload);
      assert.equal((await pong)[0].toString(), payload);
    }
  },

  async manyInFlight(ws, inbox) {
    const sent = Array.from({ length: 100 }, (_, i) => `message ${i} ${'.'.repeat(i * 97)}`);
    for (const text of sent) ws.send(text);
    for (const text of sent) assert.equal(await inbox.next(), text);
  },
};

async function connect(url, options) {
  const ws = new WebSocket(url, options);
  const inbox = new Inbox(ws);
  await inTime(once(ws, 'open'), 'the connection');
  return { ws, inbox };
}

/** Has echo_client connect to a server that holds a conversation with it. */
async function serve(conversation, { certificate, options = [], server = {} } = {}) {
  const https = certificate && createServer({ cert: readFileSync(certificate.file), key: readFileSync(certificate.key) });
  const listening = new WebSocketServer({ host: '127.0.0.1', ...(https ? { server: https } : { port: 0 }), ...server });
  if (https) https.listen(0, '127.0.0.1');
  await once(https ?? listening, 'listening');
  const { port } = (https ?? listening).address();
  const trust = certificate ? ['--ca-file', certificate.file] : [];
  const connection = once(listening, 'connection');
  const client = new Program('echo_client', `${https ? 'wss' : 'ws'}://127.0.0.1:${port}/`, ...trust, ...options);
  try {
    const [ws] = await inTime(connection, 'the connection of echo_client');
    ws.on('error', () => {});
    await conversation(ws, new Inbox(ws));
    return { code: await client.exitCode(), output: client.output };
  } finally {
    await client.stop();
    listening.close();
    https?.close();
  }
}

async function closeWith(ws, status, reason) {
  const end = closed(ws);
  ws.close(status, reason);
  return await end;
}

describe('ws is the client', () => {
  let server;
  let url;

  before(async () => {
    server = new Program('echo_server', '--port', '0', '--read-limit', '0');
    url = await server.url();
  });
  after(async () => assert.equal(await server.stop(), 0, server.output));

  for (const [name, conversation] of Object.entries(conversations)) {
    test(`${name} come back`, async () => {
      const { ws, inbox } = await connect(url);
      await conversation(ws, inbox);
      assert.deepEqual(await closeWith(ws, 1000), [1000, '']);
    });
  }

  for (const [status, reason] of closes) {
    test(`the answer to a close with ${status} "${reason.slice(0, 20)}" repeats the status`, async () => {
      const { ws } = await connect(url);
      assert.equal((await closeWith(ws, status, reason))[0], status);
    });
  }

  test('the answer to an empty close is empty', async () => {
    const { ws } = await connect(url);
    assert.deepEqual(await closeWith(ws), [1005, '']);
  });

  test('text that is not UTF-8 is closed with 1007', async () => {
    const { ws } = await connect(url);
    ws.send(Buffer.from([0xc3, 0x28]), { binary: false });
    assert.equal((await closed(ws))[0], 1007);
  });

  test('a message over the limit is closed with 1009', async () => {
    const small = new Program('echo_server', '--port', '0', '--read-limit', '100');
    try {
      const { ws } = await connect(await small.url());
      ws.send('x'.repeat(101));
      const [status, reason] = await closed(ws);
      assert.equal(status, 1009);
      assert.match(reason, /100/);
    } finally {
      await small.stop();
    }
  });

  test('an abrupt end leaves the server serving', async () => {
    const { ws } = await connect(url);
    ws.send('x'.repeat(1_000_000));
    ws.terminate();
    const another = await connect(url);
    await conversations.texts(another.ws, another.inbox);
    another.ws.close();
    await closed(another.ws);
  });

  test('a server that stops says going away', async () => {
    const other = new Program('echo_server', '--port', '0');
    const { ws } = await connect(await other.url());
    const end = closed(ws);
    assert.equal(await other.stop(), 0);
    assert.equal((await end)[0], 1001);
  });

  test('a server that dies is an abrupt end', async () => {
    const other = new Program('echo_server', '--port', '0');
    const { ws } = await connect(await other.url());
    ws.on('error', () => {});
    const end = closed(ws);
    await other.stop('SIGKILL');
    assert.equal((await end)[0], 1006);
  });
});

describe('ws is the server', () => {
  for (const [name, conversation] of Object.entries(conversations)) {
    test(`${name} come back, and the client ends well`, async () => {
      const { code, output } = await serve(async (ws, inbox) => {
        await conversation(ws, inbox);
        assert.deepEqual(await closeWith(ws, 1000), [1000, '']);
      });
      assert.deepEqual([code, output], [0, '']);
    });
  }

  for (const [status, reason, clean] of closes) {
    test(`a close with ${status} "${reason.slice(0, 20)}" ends the client with ${clean ? 0 : 1}`, async () => {
      const { code, output } = await serve(async (ws) => {
        assert.equal((await closeWith(ws, status, reason))[0], status);
      });
      assert.equal(code, clean ? 0 : 1, output);
      if (!clean) assert.ok(output.includes(`${status}`) && output.includes(reason), output);
    });
  }

  test('an abrupt end fails', async () => {
    const { code, output } = await serve(async (ws, inbox) => {
      ws.send('before');
      await inbox.next();
      ws.terminate();
    });
    assert.equal(code, 1);
    assert.match(output, /without a close frame/);
  });

  test('text that is not UTF-8 is closed with 1007', async () => {
    const { code } = await serve(async (ws) => {
      ws.send(Buffer.from([0xc3, 0x28]), { binary: false });
      assert.equal((await closed(ws))[0], 1007);
    });
    assert.equal(code, 1);
  });

  test('a message over the limit is closed with 1009', async () => {
    const tooMuch = async (ws) => {
      ws.send('x'.repeat(101));
      assert.equal((await closed(ws))[0], 1009);
    };
    const { code } = await serve(tooMuch, { options: ['--read-limit', '100'] });
    assert.equal(code, 1);
  });

  test('deflate on offer is left alone', async () => {
    const { code } = await serve(
      async (ws, inbox) => {
        assert.equal(ws.extensions, '');
        await conversations.texts(ws, inbox);
        await closeWith(ws, 1000);
      },
      { server: { perMessageDeflate: true } },
    );
    assert.equal(code, 0);
  });
});

// What ws offers or accepts, and what comes of it.
const deflate = [
  ['takeover', true],
  ['no-takeover', true],
  ['takeover', { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ['takeover', { threshold: 0, serverNoContextTakeover: true }],
  ['takeover', { threshold: 0, clientNoContextTakeover: true }],
  ['takeover', { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 10 }],
  ['no-takeover', { threshold: 0, serverMaxWindowBits: 15, clientMaxWindowBits: 8 }],
  ['takeover', { threshold: 0, serverMaxWindowBits: 8 }],
];

describe('with compression', () => {
  for (const [mode, perMessageDeflate] of deflate) {
    const how = `${mode} and ${JSON.stringify(perMessageDeflate)}`;

    test(`a client of ws has everything come back, ${how}`, async () => {
      const server = new Program('echo_server', '--port', '0', '--read-limit', '0', '--deflate', mode);
      try {
        for (const conversation of Object.values(conversations)) {
          const { ws, inbox } = await connect(await server.url(), { perMessageDeflate });
          assert.match(ws.extensions, /^permessage-deflate/);
          await conversation(ws, inbox);
          assert.deepEqual(await closeWith(ws, 1000), [1000, '']);
        }
      } finally {
        assert.equal(await server.stop(), 0, server.output);
      }
    });

    test(`a server of ws has everything come back, ${how}`, async () => {
      for (const conversation of Object.values(conversations)) {
        const { code, output } = await serve(
          async (ws, inbox) => {
            assert.match(ws.extensions, /^permessage-deflate/);
            await conversation(ws, inbox);
            assert.deepEqual(await closeWith(ws, 1000), [1000, '']);
          },
          { options: ['--deflate', mode], server: { perMessageDeflate } },
        );
        assert.deepEqual([code, output], [0, '']);
      }
    });
  }

  test('a server of ws that declines is talked to without', async () => {
    const { code } = await serve(
      async (ws, inbox) => {
        assert.equal(ws.extensions, '');
        await conversations.texts(ws, inbox);
        await closeWith(ws, 1000);
      },
      { options: ['--deflate', 'takeover'], server: { perMessageDeflate: false } },
    );
    assert.equal(code, 0);
  });
});

describe('over TLS', () => {
  let certificate;
  let server;
  before(async () => {
    certificate = new Certificate();
    server = new Program(
      'echo_server', '--port', '0', '--read-limit', '0', '--tls-cert', certificate.file, '--tls-key', certificate.key,
    );
  });
  after(async () => {
    const code = await server.stop();
    certificate.remove();
    assert.equal(code, 0, server.output);
  });

  for (const [name, conversation] of Object.entries(conversations)) {
    test(`${name} come back to a client`, async () => {
      const { ws, inbox } = await connect(await server.url(), { ca: readFileSync(certificate.file) });
      await conversation(ws, inbox);
      assert.deepEqual(await closeWith(ws, 1000), [1000, '']);
    });

    test(`${name} come back to a server`, async () => {
      const { code, output } = await serve(
        async (ws, inbox) => {
          await conversation(ws, inbox);
          assert.deepEqual(await closeWith(ws, 1000), [1000, '']);
        },
        { certificate },
      );
      assert.deepEqual([code, output], [0, '']);
    });
  }

  test('an abrupt end fails', async () => {
    const cut = async (ws, inbox) => {
      ws.send('before');
      await inbox.next();
      ws.terminate();
    };
    const { code, output } = await serve(cut, { certificate });
    assert.equal(code, 1);
    assert.match(output, /without a close frame/);
  });
});
