// A server under test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const patience = 20_000;

/** Started from `binary`, which prints its URL; can be stopped and started again on its port. */
export class SiteServer {
  #binary;
  #child = null;
  #output = '';
  url = '';

  constructor(binary) {
    this.#binary = binary;
  }

  async start() {
    const port = this.url ? new URL(this.url).port : '0';
    this.#output = '';
    this.#child = spawn(this.#binary, ['--port', port], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (data) => (this.#output += data));
    this.url = await this.#announcedUrl();
  }

  /** Ends our own child, by its process id: gently with SIGTERM, as a power cut would with SIGKILL. */
  async stop(signal = 'SIGTERM') {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const overdue = setTimeout(() => child.kill('SIGKILL'), patience);
    const [, endedBy] = await exited;
    clearTimeout(overdue);
    if (signal !== 'SIGKILL' && endedBy === 'SIGKILL') throw new Error(`${this.#binary} did not end on ${signal}\n${this.#output}`);
  }

  #announcedUrl() {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const fail = (what) => reject(new Error(`${this.#binary}: ${what}\n${this.#output}`));
      const overdue = setTimeout(fail, patience, 'announced no address in time');
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code, signal) => fail(`ended with ${code ?? signal} before it announced its address`));
      child.stdout.on('data', (data) => {
        this.#output += data;
        const url = this.#output.match(/http:\/\/127\.0\.0\.1:\d+\//)?.[0];
        if (!url) return;
        clearTimeout(overdue);
        resolve(url);
      });
    });
  }
}
