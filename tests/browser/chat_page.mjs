// A person in front of the chat: what they do and what they wait to see. Every wait is for a condition.
import { chromium } from 'playwright-core';

const patience = 30_000; // a page may wait ten seconds before it tries a restarted server again

const desktop = { viewport: { width: 1280, height: 800 } };
const handheld = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** Opens the chat in a browser context of its own: own storage, own name. */
export async function sitDown(browser, url, { name, room, scheme = 'light', phone = false, script } = {}) {
  const context = await browser.newContext({ ...(phone ? handheld : desktop), colorScheme: scheme, reducedMotion: 'reduce' });
  context.setDefaultTimeout(patience);
  const tab = await context.newPage();
  const person = new Person(context, tab, new URL(url).origin);
  if (name) await context.addInitScript((value) => localStorage['coax-chat.name'] ??= value, name);
  if (script) await tab.routeWebSocket(/\/ws\?/, script);
  await tab.goto(room ? `${url}#${room}` : url);
  return person;
}

class Person {
  troubles = []; // errors of the page, and requests to anybody but the chat

  constructor(context, tab, origin) {
    this.context = context;
    this.tab = tab;
    tab.on('pageerror', (error) => this.troubles.push(String(error)));
    context.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) this.troubles.push(`asked for ${request.url()}`);
    });
  }

  at(id) {
    return this.tab.getByTestId(id).filter({ visible: true });
  }

  state(...wanted) {
    return this.tab.waitForFunction((states) => states.includes(document.documentElement.dataset.state), wanted);
  }

  async say(text) {
    await this.at('composer').fill(text);
    await this.at('composer').press('Enter');
  }

  /** Waits for a message of exactly this text, by this author. */
  hears(text, author) {
    return this.tab.waitForFunction(([wantedText, wantedAuthor]) =>
      [...document.querySelectorAll('[data-testid=log]:not([hidden]) [data-testid=message]')].some((line) =>
        line.querySelector('[data-testid=text]').textContent === wantedText &&
        line.querySelector('[data-testid=author]').textContent === wantedAuthor), [text, author]);
  }

  sees(id, text) {
    return this.at(id).filter({ hasText: text }).last().waitFor();
  }

  /** Waits until exactly these people are listed, in whatever order. */
  sits(...names) {
    return this.tab.waitForFunction((wanted) =>
      [...document.querySelectorAll('[data-testid=person-name]')].map((each) => each.textContent).sort().join('\n') === wanted,
    names.sort().join('\n'));
  }

  async goes(room) {
    await this.at('new-room').fill(room);
    await this.at('new-room').press('Enter');
    await this.isIn(room);
  }

  async isIn(room) {
    await this.tab.getByTestId('room-title').getByText(`#${room}`, { exact: true }).waitFor();
    await this.state('open');
  }

  async everySaid() {
    return this.tab.getByTestId('text').allTextContents();
  }
}
