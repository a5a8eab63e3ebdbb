// The page: what the server says becomes elements, what a person does becomes messages.
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { closeDrawer } from './drawer.js';
import { MessageLog, avatar, element, paint } from './log.js';
import { friendlyName, recall, remember } from './memory.js';

const limits = { name: 32, room: 32 }; // code points, as the server counts them
const noticeFor = 6_000;

const root = document.documentElement;
const $ = (selector) => document.querySelector(selector);
const nameInput = $('.name');
const log = new MessageLog($('.scroller'), $('.jump'));
const composer = new Composer($('.composer'), say);

let wanted = recall('localStorage', 'name') || friendlyName(); // the server may have made another one of it
let me = { id: '', name: wanted };
let room = ''; // the room that the server put us in; '' before the first welcome
let people = new Map(); // id → name, of this room
let roomList = [];
let asked = 0; // hello and join messages that no welcome has answered yet
let unseen = 0;
let rejoining = false; // and it is not known yet whether anything was missed

// Whoever comes back with our token has to be us: a name of this tab that nobody can guess.
const guest = recall('sessionStorage', 'guest') ?? randomName();
remember('sessionStorage', 'guest', guest);

const connection = new Connection(`${location.protocol.replace('http', 'ws')}//${location.host}/ws?guest=${guest}`, {
  hello() {
    asked = 1;
    return { type: 'hello', name: wanted, room: roomInUrl() };
  },
  message: (message) => receivers[message.type]?.(message),
  changed: showStatus,
});

const receivers = {
  welcome(message) {
    const returned = message.room === room;
    asked = Math.max(0, asked - 1);
    me = { id: message.id, name: message.name };
    room = message.room;
    people = new Map(message.people.map(({ id, name }) => [id, name]));
    roomList = message.rooms;
    log.show(room);
    const alone = people.size < 2 ? '. Nobody else is here yet; share the link to invite someone' : '';
    if (!returned) log.system(`You joined #${room}${alone}`);
    rejoining = returned;
    // With another join on its way, the address already names the room to come.
    if (!asked) putInUrl(room);
    $('.brand').title = message.node ? `Served by ${message.node}` : '';
    showYou();
    showRooms();
    showPeople();
  },

  message(message) {
    if (message.room !== room) return;
    const own = message.from.id === me.id;
    if (own) composer.confirm();
    log.message(message, own);
    if (document.hidden) unseen++;
    showTitle();
  },

  // From the hub, behind the welcome of who comes back: we have missed nothing, or may have.
  resumed({ topics }) {
    if (rejoining) log.system(topics.length ? 'You are back' : 'You are back; what was said meanwhile may be missing');
    rejoining = false;
  },

  refused() {
    receivers.resumed({ topics: [] });
  },

  // The past does not go back to where we were. The other topics are of the moment, and say all anew.
  reset({ topic }) {
    if (topic.endsWith('/talk')) log.system('Some of what was said meanwhile is missing');
  },

  // When our connection could not keep up.
  dropped({ messages }) {
    const what = messages === 1 ? 'A message was' : `${messages} messages were`;
    log.system(`${what} dropped: your connection is too slow`);
  },

  joined({ who, room: where, at }) {
    if (where !== room || people.has(who.id)) return;
    people.set(who.id, who.name);
    showPeople();
    log.system(`${who.name} joined`, at);
  },

  left({ who, room: where, at }) {
    if (where !== room || who.id === me.id || !people.delete(who.id)) return;
    showPeople();
    log.system(`${who.name} left`, at);
  },

  renamed({ who, was, room: where, at }) {
    if (where !== room) return;
    people.set(who.id, who.name);
    if (who.id === me.id) me.name = who.name;
    showYou();
    showPeople();
    log.system(who.id === me.id ? `You are now ${who.name}` : `${was} is now ${who.name}`, at);
  },

  rooms({ rooms }) {
    roomList = rooms;
    showRooms();
  },

  error({ message }) {
    notify(message);
    composer.takeBack();
    asked = 0;
    if (room) putInUrl(room);
    showYou();
  },
};

// The room lives in the address alone: links can be shared, and Back goes to the room before.

function roomInUrl() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // A stray % in a link typed by hand: taken as it stands.
  }
  return clip(name.trim(), limits.room) || 'lobby';
}

function putInUrl(name) {
  if (roomInUrl() !== name || !location.hash) history.replaceState(null, '', linkTo(name));
  showRooms();
}

function linkTo(name) {
  return `#${encodeURIComponent(name)}`;
}

addEventListener('hashchange', () => {
  closeDrawer();
  if (roomInUrl() === room && !asked) return;
  if (connection.send({ type: 'join', room: roomInUrl() })) asked++;
  showRooms();
});

$('.new-room').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = event.target.querySelector('input');
  const name = clip(input.value.trim().replace(/^#+/, '').replace(/\s+/g, '-').toLowerCase(), limits.room);
  input.value = '';
  if (name) location.hash = linkTo(name);
  composer.focus();
});

// Names

$('.you').addEventListener('submit', (event) => {
  event.preventDefault();
  nameInput.blur();
});

nameInput.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape') return;
  nameInput.value = me.name;
  nameInput.blur();
});

nameInput.addEventListener('change', () => {
  const name = clip(nameInput.value.trim().replace(/\s+/g, ' '), limits.name);
  if (name && name !== me.name) {
    wanted = name;
    remember('localStorage', 'name', name);
    // Without a connection, the next hello carries it.
    if (!connection.send({ type: 'rename', name })) me.name = name;
  }
  showYou();
});

function say(text) {
  const sent = connection.send({ type: 'say', text });
  if (!sent) notify('Not connected; your text stays here.');
  return sent;
}

// Showing

function showStatus({ state, why, retryAt }) {
  root.dataset.state = state;
  composer.enable(state === 'open');
  if (state !== 'open') composer.takeBack();
  const waiting = navigator.onLine ? 'Reconnecting' : 'Offline, retrying';
  const labels = { connecting: 'Connecting', open: 'Connected', reconnecting: waiting, offline: 'Disconnected' };
  setText($('.state-label'), labels[state]);
  setText($('.why'), why);
  $('.banner').hidden = state === 'open' || !why;
  showCountdown(retryAt);
}

function showCountdown(retryAt) {
  // Re-armed only while it is the wait being shown.
  if (retryAt !== connection.status.retryAt) return;
  const seconds = Math.ceil((retryAt - Date.now()) / 1000);
  $('.countdown').textContent = seconds > 0 ? `in ${seconds} s` : '';
  if (seconds > 0) setTimeout(showCountdown, 250, retryAt);
}

function showRooms() {
  const target = roomInUrl(); // the room we are in, or on our way to
  const known = roomList.some(({ name }) => name === target) ? roomList : [...roomList, { name: target, count: 0 }];
  const sorted = known.toSorted((a, b) => a.name.localeCompare(b.name));
  keepFocus($('.rooms'), sorted.map(({ name, count }) => {
    const item = element('li', '');
    const link = element('a', 'room', { testid: 'room', key: name });
    link.href = linkTo(name);
    if (name === target) link.setAttribute('aria-current', 'page');
    const badge = element('span', 'badge', { testid: 'room-count' }, count);
    badge.setAttribute('aria-label', count === 1 ? '1 person' : `${count} people`);
    link.append(element('bdi', 'label', {}, name), badge);
    item.append(link);
    return item;
  }));
  showTitle();
}

/** Replaces the items of a list; whoever was on one of them with the keyboard still is. */
function keepFocus(list, items) {
  const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  list.replaceChildren(...items);
  if (key !== undefined) [...list.querySelectorAll('[data-key]')].find((each) => each.dataset.key === key)?.focus();
}

function showPeople() {
  const sorted = [...people].toSorted(([a, nameA], [b, nameB]) => (b === me.id) - (a === me.id) || nameA.localeCompare(nameB));
  $('.people').replaceChildren(...sorted.map(([id, name]) => {
    const item = element('li', 'person', { testid: 'person' });
    item.append(avatar(name), element('bdi', 'label', { testid: 'person-name' }, name));
    if (id === me.id) item.append(element('span', 'badge', {}, 'you'));
    return item;
  }));
  $('.count').textContent = people.size === 1 ? 'Only you here' : `${people.size} people here`;
}

function showYou() {
  paint($('.you .avatar'), me.name);
  // Nobody's typing is overwritten by an event that happens to arrive.
  if (document.activeElement !== nameInput) nameInput.value = me.name;
}

function showTitle() {
  const name = room || roomInUrl();
  setText($('.where h1'), `#${name}`);
  composer.addressTo(name);
  document.title = `${unseen ? `(${unseen}) ` : ''}#${name} · coax chat`;
}

let noticeTimer = 0;
function notify(text) {
  const notice = $('.notice');
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => (notice.hidden = true), noticeFor);
}

/** Leaves equal text alone: setting it again would make a screen reader say it again. */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

$('.reconnect').addEventListener('click', () => connection.connect());
$('.copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(location.href);
  notify('Link copied.');
});
document.addEventListener('visibilitychange', () => {
  unseen = 0;
  showTitle();
});

function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function clip(text, limit) {
  return [...text].slice(0, limit).join('').trim();
}

$('.copy').hidden = !navigator.clipboard;
showYou();
showTitle();
if (matchMedia('(pointer: fine)').matches) composer.focus(); // on a phone, that would raise the keyboard
connection.connect();
