// Server-sent events: our parser against the package eventsource-parser of npm, our event source against Node's HTTP server.
// COAX_EXAMPLES names the folder of sse_client, COAX_PRINT_EVENTS the program that shows what our parser makes of a stream.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { constants, createGzip } from 'node:zlib';
import { createParser } from 'eventsource-parser';
import { Program, patience } from './programs.mjs';

/** Random numbers below n, the same for the same seed. */
function randomFrom(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const words = [
  'data', 'data', 'data:', 'data: ', 'data:  x', 'event', 'event:', 'event: e', 'id', 'id:', 'id: 7', 'id: é', 'retry', 'retry: 5',
  'retry: x', ': comment', ':', 'Data: no', 'dat: a', 'datax: b', ' data: c', 'other: d', 'x:y:z', ' ', '🌍', 'data: {"a":[1,2]}',
];
const ends = ['\n', '\n', '\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r', '', ''];

function randomStream(random) {
  let text = '';
  for (let lines = random(60); lines > 0; --lines) text += words[random(words.length)] + ends[random(ends.length)];
  // eventsource-parser waits behind a last CR for an LF; whether one comes is no question of the standard's.
  return `${text}\n: end\n`;
}

function theirs(stream, random) {
  const events = [];
  const parser = createParser({ onEvent: (e) => events.push(e) });
  for (let at = 0; at < stream.length; ) {
    const size = 1 + random(8);
    parser.feed(stream.slice(at, at + size));
    at += size;
  }
  return events;
}

function ours(stream, seed) {
  const output = execFileSync(process.env.COAX_PRINT_EVENTS, [String(seed)], { input: stream, timeout: patience });
  return output.toString().split('\n').slice(0, -1).map((line) => JSON.parse(line));
}

test('both parsers read the same events from random streams, however they are cut', () => {
  let events = 0;
  for (let seed = 1; seed <= 400; ++seed) {
    const random = randomFrom(seed);
    const stream = randomStream(random);
    const expected = theirs(stream, random);
    const got = ours(stream, seed);
    const where = `seed ${seed}: ${JSON.stringify(stream)}`;
    assert.deepEqual(got.map((e) => e.data), expected.map((e) => e.data), where);
    assert.deepEqual(got.map((e) => e.type), expected.map((e) => e.event || 'message'), where);
    // Theirs is the id within the event; ours is the last one of the stream, as the standard has it.
    expected.forEach((e, i) => e.id === undefined || assert.equal(got[i].id, e.id, where));
    events += got.length;
  }
  assert.ok(events > 400);
});

describe("an event source and Node's HTTP server", () => {
  const requests = [];
  let server;
  let url;

  // Three events a connection, of seven in all, in the coding that the client asks for; then the end.
  function answer(request, response) {
    requests.push({ method: request.method, url: request.url, ...request.headers });
    if (request.url === '/busy' && requests.length === 1) {
      response.writeHead(503, { 'Retry-After': '0' }).end();
      return;
    }
    const last = Number(request.headers['last-event-id'] ?? 0);
    if (last === 7) {
      response.writeHead(204).end();
      return;
    }
    const gzip = request.headers['accept-encoding'] === 'gzip';
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', ...(gzip && { 'Content-Encoding': 'gzip' }) });
    const out = gzip ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : response;
    if (gzip) out.pipe(response);
    out.write('retry: 1\n: hello\n\n');
    for (let id = last + 1; id <= Math.min(last + 3, 7); ++id) out.write(`id: ${id}\nevent: tick\ndata: Nr. ${id}\ndata: 世界\n\n`);
    out.end('data: unfinished');
  }

  before(async () => {
    server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => server.close());

  for (const [name, path, options] of [
    ['plain', '/', []],
    ['gzip', '/', ['--gzip']],
    ['retried', '/busy', []],
    ['by POST', '/', ['--data', '{"topic":1}']],
  ]) {
    test(name, async () => {
      requests.length = 0;
      const program = new Program('sse_client', '--retry', '1', ...options, url + path);
      assert.equal(await program.exitCode(), 0, program.output);
      const events = program.output.split('\n').slice(0, -1).map((line) => JSON.parse(line));
      assert.deepEqual(events, Array.from({ length: 7 }, (_, i) => ({ type: 'tick', id: `${i + 1}`, data: `Nr. ${i + 1}\n世界` })));
      const answered = path === '/busy' ? requests.slice(1) : requests;
      assert.deepEqual(answered.map((r) => r['last-event-id']), [undefined, '3', '6', '7']);
      for (const r of requests) {
        assert.equal(r.accept, 'text/event-stream');
        assert.equal(r['cache-control'], 'no-store');
        assert.equal(r.method, name === 'by POST' ? 'POST' : 'GET');
      }
    });
  }
});
