// Keeps one WebSocket to the chat alive, and goes on where the last one was cut (coax.resume.v1, docs/resume.md). It knows
// about hello and welcome, close codes and waiting; nothing about the page.

const firstDelay = 500;
const longestDelay = 10_000;
const patience = 10_000; // for the welcome, counted from the start of the attempt
const stableAfter = 5_000; // a connection that lasted this long makes the next delay short again

const goingAway = 1001;
const serviceRestart = 1012;
const policyViolation = 1008;
const tryAgainLater = 1013;

export class Connection {
  #url;
  #listener;
  #token = ''; // covers all that came before it
  #seen = {}; // and these marks, one for each topic, what came since
  #socket = null;
  #timer = 0;
  #attempt = 0;
  #welcomedAt = Infinity;

  /** What to show: connecting, open, reconnecting (until `retryAt`) or offline (until `connect` is called), and why. */
  status = { state: 'connecting', retryAt: 0, why: '' };

  /** @param listener {hello(): object, message(object): void, changed(status): void} */
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    addEventListener('online', () => this.status.state === 'reconnecting' && this.connect());
  }

  /** Connects now, whatever was being waited for. */
  connect() {
    this.#abandon();
    const socket = new WebSocket(this.#url, 'coax.resume.v1');
    socket.onopen = () => {
      socket.send([this.#token, ...Object.values(this.#seen)].join('.'));
      socket.send(JSON.stringify(this.#listener.hello()));
    };
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(0, ''), patience);
    this.#change('connecting', this.status.why);
  }

  /** Sends if the chat can take it; false means that nothing was sent. */
  send(message) {
    if (this.status.state !== 'open' || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #received(data) {
    let message;
    try {
      const end = data.indexOf('\n');
      const { token, topic, at } = JSON.parse(data.slice(0, end));
      if (token) [this.#token, this.#seen] = [token, {}];
      if (topic) this.#seen[topic] = at;
      if (end + 1 === data.length) return;
      message = JSON.parse(data.slice(end + 1));
    } catch {
      return console.warn('not of coax.resume.v1:', data);
    }
    this.#listener.message(message);
    // An open socket is not enough: until the welcome, nothing that a person types would arrive.
    if (message.type === 'welcome' && this.status.state !== 'open') {
      clearTimeout(this.#timer);
      this.#welcomedAt = performance.now();
      this.#change('open', '');
    }
  }

  #lost(code, reason) {
    const wasOpen = this.status.state === 'open';
    // Only a connection that lasted resets the back-off: a server that welcomes and closes at once must not be hammered.
    if (wasOpen && performance.now() - this.#welcomedAt > stableAfter) this.#attempt = 0;
    this.#abandon();

    const why = explain(code, reason, wasOpen);
    // Asking again would not change a policy; that is for a person to decide.
    if (code === policyViolation) return this.#change('offline', why);

    // Full jitter: after a restart, everybody comes back spread over the whole interval.
    const delay = Math.random() * Math.min(longestDelay, firstDelay * 2 ** this.#attempt++);
    this.#timer = setTimeout(() => this.connect(), delay);
    // While attempts fail one after the other, the first reason stays: it says more than "cannot reach the server".
    this.#change('reconnecting', wasOpen ? why : this.status.why || why, Date.now() + delay);
  }

  #abandon() {
    clearTimeout(this.#timer);
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #change(state, why, retryAt = 0) {
    this.status = { state, why, retryAt };
    this.#listener.changed(this.status);
  }
}

function explain(code, reason, wasOpen) {
  if (code === policyViolation) return `The server closed the connection: ${reason || 'not allowed'}`;
  if (code === tryAgainLater) return 'This window was too slow to keep up; some messages may be missing.';
  if (code === goingAway || code === serviceRestart) return 'The server is restarting.';
  return wasOpen ? 'The connection was lost.' : 'The server cannot be reached.';
}
