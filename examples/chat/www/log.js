// The conversation: one log per room, kept while the page lives, so that coming back to a room finds what was said.

const maxLines = 500; // per room; older lines make way
const sameBreath = 5 * 60_000; // messages of one author this close together share a heading
const nearBottom = 80; // pixels

export class MessageLog {
  #scroller;
  #jump;
  #rooms = new Map();
  #log = null;

  constructor(scroller, jump) {
    this.#scroller = scroller;
    this.#jump = jump;
    jump.addEventListener('click', () => this.#toBottom());
    scroller.addEventListener('scroll', () => {
      if (this.#atBottom()) jump.hidden = true;
    });
    // A phone's keyboard, or a growing composer, takes height away: what was readable at the bottom stays so.
    let height = scroller.clientHeight;
    new ResizeObserver(() => {
      const before = height;
      height = scroller.clientHeight;
      if (this.#atBottom(before - height)) this.#toBottom();
    }).observe(scroller);
  }

  show(room) {
    if (this.#log) this.#log.hidden = true;
    this.#log = this.#rooms.get(room) ?? this.#create(room);
    this.#log.hidden = false;
    this.#toBottom();
  }

  message({ id, from, text, at }, own) {
    // After a reconnect the server tells again what was said last.
    if (id && this.#log.querySelector(`[data-id="${CSS.escape(id)}"]`)) return;
    const previous = this.#log.lastElementChild;
    const follows = previous?.dataset.author === from.id && at - previous.dataset.at < sameBreath;

    const line = element('article', 'message', { testid: 'message', author: from.id, at, id: id ?? '' });
    line.classList.toggle('own', own);
    line.classList.toggle('follows', follows);
    const head = element('p', 'head');
    const author = element('bdi', 'author', { testid: 'author' }, from.name);
    head.append(author, ' ', clock(at));
    const bubble = element('p', 'bubble', { testid: 'text' }, text);
    bubble.dir = 'auto';
    line.append(avatar(from.name), head, bubble);
    this.#append(line, own);
  }

  system(text, at = Date.now()) {
    const line = element('p', 'system', { testid: 'system' }, `${text} `);
    line.append(clock(at));
    this.#append(line, false);
  }

  #create(room) {
    const log = element('div', 'log', { testid: 'log' });
    log.setAttribute('role', 'log');
    log.setAttribute('aria-label', `Messages in ${room}`);
    this.#rooms.set(room, log);
    this.#scroller.append(log);
    return log;
  }

  #append(line, own) {
    // Somebody who reads further up is left alone, and told.
    const stay = !own && !this.#atBottom();
    this.#log.append(line);
    if (this.#log.childElementCount > maxLines) this.#log.firstElementChild.remove();
    if (!stay) this.#toBottom();
    else if (line.classList.contains('message')) this.#jump.hidden = false;
  }

  #atBottom(slack = 0) {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < nearBottom + Math.max(0, slack);
  }

  #toBottom() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#jump.hidden = true;
  }
}

/** An element whose text is always text, never markup: everything remote goes through here. */
export function element(tag, className, data = {}, text = '') {
  const made = document.createElement(tag);
  made.className = className;
  Object.assign(made.dataset, data);
  made.textContent = text;
  return made;
}

/** A round initial in a colour that belongs to the name. */
export function avatar(name) {
  const made = element('span', 'avatar');
  made.setAttribute('aria-hidden', 'true');
  return paint(made, name);
}

export function paint(made, name) {
  // Graphemes, not code units: an initial may be an emoji of several code points.
  const [first] = new Intl.Segmenter().segment(name);
  let hash = 0;
  for (const point of name) hash = (hash * 31 + point.codePointAt(0)) >>> 0;
  made.textContent = first?.segment.toUpperCase() ?? '?';
  // The golden angle sets names apart that differ by little.
  made.style.setProperty('--hue', (hash * 137.508) % 360);
  return made;
}

function clock(at) {
  const when = new Date(at);
  const made = element('time', '', {}, when.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
  made.dateTime = when.toISOString();
  made.title = when.toLocaleString();
  return made;
}
