// Two people talk in a headless Chromium. Needs CHAT_SERVER (the chat's binary) or CHAT_URL (of one that runs);
// SHOT_DIR, if set, is where screenshots go. See README.md.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { openBrowser, sitDown } from './chat_page.mjs';
import { SiteServer } from './site_server.mjs';

const { CHAT_SERVER, CHAT_URL, SHOT_DIR } = process.env;
const limit = { timeout: 120_000 };

let server;
let url = CHAT_URL;
let browser;
let seated = [];

before(async () => {
  assert.ok(CHAT_SERVER || CHAT_URL, 'set CHAT_SERVER=path/to/chat or CHAT_URL=http://127.0.0.1:PORT/');
  if (CHAT_SERVER) {
    server = new SiteServer(CHAT_SERVER);
    await server.start();
    url = server.url;
  }
  browser = await openBrowser();
}, limit);

after(async () => {
  await browser?.close();
  await server?.stop();
}, limit);

afterEach(async () => {
  const troubles = seated.flatMap((person) => person.troubles);
  await Promise.all(seated.map((person) => person.context.close()));
  seated = [];
  assert.deepEqual(troubles, []);
}, limit);

async function seat(options) {
  const person = await sitDown(browser, url, options);
  seated.push(person);
  return person;
}

async function seatTwo(room) {
  const ada = await seat({ name: 'Ada', room });
  await ada.state('open');
  const bob = await seat({ name: 'Bob', room });
  await bob.state('open');
  return [ada, bob];
}

/**
 * A server at the page's end of the wire: answers hello as a lone guest of the room, then does as told. Before the
 * answer it waits for what `beforeWelcome` returns.
 */
function scripted(onHello, beforeWelcome = () => {}) {
  let visits = 0;
  return (socket) => {
    const tell = (message) => socket.send(`{}\n${JSON.stringify(message)}`);
    socket.onMessage(async (data) => {
      if (!data.startsWith('{')) return; // what it resumes with
      const { type, name, room } = JSON.parse(data);
      if (type !== 'hello') return;
      const visit = ++visits;
      await beforeWelcome(visit);
      const me = { id: '1', name };
      tell({ type: 'welcome', ...me, room, people: [me], rooms: [{ name: room, count: 1 }], node: 'script' });
      onHello(socket, visit, tell);
    });
  };
}

test('two people talk in the lobby', limit, async () => {
  const [ada, bob] = await seatTwo();
  await ada.isIn('lobby');
  assert.equal(new URL(ada.tab.url()).hash, '#lobby');
  await ada.sees('system', 'Bob joined');
  await Promise.all([ada.sits('Ada', 'Bob'), bob.sits('Ada', 'Bob')]);
  await ada.sees('room', /lobby\s*2/);

  await ada.say('Hello, Bob');
  await Promise.all([ada.hears('Hello, Bob', 'Ada'), bob.hears('Hello, Bob', 'Ada')]);
  await bob.say('Hello, Ada');
  await Promise.all([ada.hears('Hello, Ada', 'Bob'), bob.hears('Hello, Ada', 'Bob')]);

  assert.equal(await ada.at('composer').inputValue(), '');
  assert.equal(await ada.tab.locator('.message.own').count(), 1);
});

test('emoji, markup and line breaks arrive literally', limit, async () => {
  const [ada, bob] = await seatTwo('literal');
  const texts = ['👩‍🚀 naïve 🇪🇺 ½ 漢字 مرحبا', `<b>&"</b> <img src=x onerror="document.title='got you'"> &amp; \\u0041 ' \``];
  for (const text of texts) {
    await ada.say(text);
    await bob.hears(text, 'Ada');
  }
  await ada.at('composer').fill('one');
  await ada.at('composer').press('Shift+Enter');
  await ada.at('composer').pressSequentially('two');
  await ada.at('send').click();
  await bob.hears('one\ntwo', 'Ada');
  assert.equal(await bob.tab.locator('[data-testid=log] :is(b, img)').count(), 0);
});

test('a new name is told to the others and remembered', limit, async () => {
  const [ada, bob] = await seatTwo('names');
  await ada.at('name').fill('<i>Ada</i> L.');
  await ada.at('name').press('Enter');
  await bob.sees('system', 'Ada is now <i>Ada</i> L.');
  await bob.sits('<i>Ada</i> L.', 'Bob');

  await ada.tab.reload();
  await ada.state('open');
  await ada.sits('<i>Ada</i> L.', 'Bob');
});

test('rooms keep their talk apart', limit, async () => {
  const [ada, bob] = await seatTwo('hall');
  await ada.sees('system', 'Bob joined');
  await bob.goes('kitchen');
  await ada.sees('system', 'Bob left');
  await Promise.all([ada.sits('Ada'), bob.sits('Bob')]);

  await ada.say('only in the hall');
  await bob.say('only in the kitchen');
  await ada.hears('only in the hall', 'Ada');
  await bob.hears('only in the kitchen', 'Bob');

  await ada.at('room').filter({ hasText: 'kitchen' }).click();
  await ada.isIn('kitchen');
  await bob.sees('system', 'Ada joined');
  await ada.say('both in the kitchen');
  await bob.hears('both in the kitchen', 'Ada');
  await bob.say('so we are');
  await Promise.all([ada, bob].map((person) => person.hears('so we are', 'Bob')));

  // Whatever had been on its way would have come before these.
  assert.deepEqual(await bob.everySaid(), ['only in the kitchen', 'both in the kitchen', 'so we are']);
  // Ada has found in the kitchen what was said there before she came.
  assert.deepEqual(await ada.everySaid(), ['only in the hall', 'only in the kitchen', 'both in the kitchen', 'so we are']);

  await ada.tab.goBack();
  await ada.isIn('hall');
  await ada.hears('only in the hall', 'Ada');
  await bob.sees('system', 'Ada left');
});

test('a message at the limit passes, one beyond it is not sent', limit, async () => {
  const [ada, bob] = await seatTwo('limit');
  const longest = '🙂'.repeat(2000); // code points, not UTF-16 units
  await ada.at('composer').fill(`${longest}!`);
  await ada.sees('remaining', '1 too many');
  assert.ok(await ada.at('send').isDisabled());
  await ada.at('composer').press('Backspace');
  await ada.sees('remaining', '0 left');
  await ada.at('composer').press('Enter');
  await bob.hears(longest, 'Ada');
});

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(`both come back by themselves after the server was restarted with ${signal}`, { ...limit, skip: !CHAT_SERVER && 'needs CHAT_SERVER' }, async () => {
    const [ada, bob] = await seatTwo('restart');
    await ada.say('before');
    await bob.hears('before', 'Ada');

    await server.stop(signal);
    await Promise.all([ada.state('connecting', 'reconnecting'), bob.state('connecting', 'reconnecting')]);
    await ada.at('composer').fill('written meanwhile');
    await ada.at('composer').press('Enter');
    assert.equal(await ada.at('composer').inputValue(), 'written meanwhile');

    await server.start();
    await Promise.all([ada.state('open'), bob.state('open')]);
    await Promise.all([ada.sits('Ada', 'Bob'), bob.sits('Ada', 'Bob')]);
    await ada.at('composer').press('Enter');
    await bob.hears('written meanwhile', 'Ada');
    await bob.say('after');
    await ada.hears('after', 'Bob');
  });
}

/** The wire between page and server, which can be cut: what is on its way then is lost, and nobody comes through. */
function wire() {
  const it = {
    down: false,
    resumed: [], // what the page has come back with
    script(socket) {
      if (it.down) return socket.close({ code: 1011, reason: 'the wire is cut' });
      const server = socket.connectToServer();
      let first = true;
      socket.onMessage((data) => {
        if (first) it.resumed.push(data);
        first = false;
        if (!it.down) server.send(data);
      });
      server.onMessage((data) => it.down || socket.send(data));
      it.cut = async () => {
        it.down = true;
        await Promise.all([socket.close({ code: 1011 }), server.close({ code: 1000 })]);
      };
    },
  };
  return it;
}

test('a page whose connection is cut shows every message once, in order', limit, async () => {
  const adas = wire();
  const bob = await seat({ name: 'Bob', room: 'resume' });
  await bob.state('open');
  const ada = await seat({ name: 'Ada', room: 'resume', script: adas.script });
  await ada.state('open');
  const said = [];
  const talk = async (from, to) => {
    for (let i = from; i < to; i++) {
      said.push(`message ${i}`);
      await bob.say(said.at(-1));
    }
    await bob.hears(said.at(-1), 'Bob');
  };
  // More than is shown to whoever comes for the first time.
  for (const [before, missed] of [[5, 75], [80, 82], [85, 150]]) {
    await talk(said.length, before);
    await ada.hears(said.at(-1), 'Bob');
    const shown = (await ada.everySaid()).length;
    assert.equal(shown, said.length);
    const talking = talk(before, missed);
    await adas.cut();
    await talking;
    await ada.state('connecting', 'reconnecting');
    adas.down = false;
    await ada.state('open');
    await ada.hears(said.at(-1), 'Bob');
    assert.deepEqual(await ada.everySaid(), said);
  }
  await ada.sees('system', 'You are back');
  assert.equal(await ada.at('system').filter({ hasText: 'missing' }).count(), 0);
  assert.equal(adas.resumed[0], '');
  assert.ok(adas.resumed.at(-1).length > 50);
});

test('a page that cannot resume says so', limit, async () => {
  const adas = wire();
  const ada = await seat({
    name: 'Ada',
    room: 'refusal',
    script(socket) {
      adas.script({ ...socket, onMessage: (handler) => socket.onMessage((data) => handler(data.replace(/^[A-Za-z0-9_-]{5}/, 'AAAAA'))),
        send: (data) => socket.send(data), close: (how) => socket.close(how), connectToServer: () => socket.connectToServer() });
    },
  });
  await ada.state('open');
  await ada.say('before');
  await ada.hears('before', 'Ada');
  await adas.cut();
  await ada.state('connecting', 'reconnecting');
  adas.down = false;
  await ada.state('open');
  await ada.sees('system', 'may be missing');
  await ada.say('after');
  await ada.hears('after', 'Ada');
  assert.deepEqual(await ada.everySaid(), ['before', 'after']);
});

test('who comes later reads what was said, and once only', limit, async () => {
  const ada = await seat({ name: 'Ada', room: 'c++/#/100%' });
  await ada.state('open');
  for (const text of ['one', 'two', 'three']) await ada.say(text);
  await ada.hears('three', 'Ada');

  const bob = await seat({ name: 'Bob', room: 'c++/#/100%' });
  await bob.hears('three', 'Ada');
  await bob.say('four');
  await ada.hears('four', 'Bob');
  await bob.hears('four', 'Bob');
  assert.deepEqual(await bob.everySaid(), ['one', 'two', 'three', 'four']);

  await ada.goes('elsewhere');
  await ada.goes('c++/#/100%');
  await ada.say('five');
  await ada.hears('five', 'Ada');
  assert.deepEqual(await ada.everySaid(), ['one', 'two', 'three', 'four', 'five']);
});

test('a page is told of messages that were dropped because it was too slow', limit, async () => {
  let tell;
  const ada = await seat({ script: scripted((socket, visit, teller) => (tell = teller)) });
  await ada.state('open');
  tell({ type: 'dropped', topic: 'room/lobby/talk', messages: 3 });
  await ada.sees('system', '3 messages were dropped');
});

test('a policy close tells why and waits for a person', limit, async () => {
  const ada = await seat({ script: scripted((socket, visit) => visit === 1 && socket.close({ code: 1008, reason: 'too many messages' })) });
  await ada.state('offline');
  await ada.sees('banner', 'too many messages');
  await ada.at('reconnect').click();
  await ada.state('open');
});

test('a client that was too slow is told so and reconnects', limit, async () => {
  // The banner is gone with the next welcome, which may come sooner than anybody looks.
  let seen;
  const wasSeen = new Promise((resolve) => (seen = resolve));
  const script = scripted(
    (socket, visit) => visit === 1 && socket.close({ code: 1013, reason: 'too slow' }),
    (visit) => visit > 1 && wasSeen,
  );
  const ada = await seat({ script });
  await ada.sees('banner', 'too slow to keep up');
  seen();
  await ada.state('open');
});

test('an error is shown, and what was not confirmed can be sent again', limit, async () => {
  let wire, tell;
  const ada = await seat({ script: scripted((socket, visit, teller) => ([wire, tell] = [socket, teller])) });
  await ada.state('open');
  await ada.say('refused');
  wire.send('neither a line nor JSON');
  tell({ type: 'of a later version' });
  tell({ type: 'error', message: 'not <now>' });
  await ada.sees('notice', 'not <now>');
  assert.equal(await ada.at('composer').inputValue(), 'refused');
  await ada.state('open');
});

test('on a phone, rooms and people are in a drawer', limit, async () => {
  const ada = await seat({ name: 'Ada', room: 'phone', phone: true });
  await ada.state('open');
  assert.equal(await ada.at('people').count(), 0);
  await ada.at('menu').click();
  await ada.sees('person', 'Ada');
  await ada.tab.keyboard.press('Escape');
  await ada.at('people').waitFor({ state: 'hidden' });
  await ada.at('menu').click();
  await ada.goes('pocket');
  await ada.at('people').waitFor({ state: 'hidden' });
  assert.ok(await ada.tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out sideways');
});

test('screenshots', { ...limit, skip: !SHOT_DIR && 'needs SHOT_DIR' }, async () => {
  await mkdir(SHOT_DIR, { recursive: true });
  const ada = await seat({ name: 'Ada', room: 'lobby' });
  await ada.state('open');
  const grace = await seat({ name: 'Grace', room: 'lobby', scheme: 'dark' });
  await grace.state('open');
  const zoe = await seat({ name: 'Zoë', room: 'lobby', phone: true });
  await zoe.state('open');
  const lukasz = await seat({ name: 'Łukasz', room: 'lobby', phone: true, scheme: 'dark' });
  await lukasz.state('open');
  const linus = await seat({ name: 'Linus', room: 'kitchen' });
  await linus.state('open');
  const readers = [ada, grace, zoe, lukasz];
  const talk = [
    [grace, 'Morning! Did the cancel-safe reads make it in?'],
    [ada, 'Yes, last night. A stopped read loses no byte: the next one goes on where it stood.'],
    [ada, 'Even in mid-message.'],
    [zoe, 'Nice. And `while (auto m = co_await c.next())` just works?'],
    [zoe, 'Asking for <b>everyone</b> & their "dog"'],
    [lukasz, 'It does. While the server was restarting, this page came back by itself.\nNot a word was lost.'],
  ];
  for (const [who, text] of talk) {
    await who.say(text);
    await Promise.all(readers.map((reader) => reader.at('text').filter({ hasText: text }).waitFor()));
  }
  await linus.goes('lobby');
  await linus.goes('kitchen');
  for (const [look, reader] of Object.entries({ 'desktop-light': ada, 'desktop-dark': grace, 'phone-light': zoe, 'phone-dark': lukasz })) {
    await reader.sees('system', 'Linus left');
    await reader.tab.screenshot({ path: join(SHOT_DIR, `${look}.png`) });
  }
  await zoe.at('menu').click();
  await zoe.sees('person', 'Grace');
  await zoe.tab.screenshot({ path: join(SHOT_DIR, 'phone-drawer.png') });
});
