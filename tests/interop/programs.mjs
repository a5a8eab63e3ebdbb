// The programs under test: started, listened to with a deadline, and ended by their own process ids.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const patience = 30_000;

/** What `promise` gives, or a failure that says what did not happen in time. */
export function inTime(promise, what) {
  let overdue;
  const late = new Promise((_, reject) => {
    overdue = setTimeout(() => reject(new Error(`${what}: not in time`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(overdue));
}

/** One of the examples in the folder COAX_EXAMPLES, running. */
export class Program {
  output = '';
  #child;
  #ended;

  constructor(name, ...options) {
    this.#child = spawn(join(process.env.COAX_EXAMPLES ?? '.', name), options, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (data) => (this.output += data));
    this.#ended = once(this.#child, 'close');
    this.#ended.catch(() => {});
  }

  /** The URL that it announces. */
  async url() {
    for (;;) {
      const url = this.output.match(/wss?:\/\/\S+(?=\n)/)?.[0];
      if (url) return url;
      const more = once(this.#child.stdout, 'data');
      const over = this.#ended.then(() => Promise.reject(new Error(`it ended first:\n${this.output}`)));
      await inTime(Promise.race([more, over]), 'the address');
    }
  }

  /** Waits for the end; a number, or the name of the signal that ended it. */
  async exitCode() {
    const [code, signal] = await inTime(this.#ended, `the end of a program that said ${this.output}`);
    return code ?? signal;
  }

  async stop(signal = 'SIGTERM') {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) this.#child.kill(signal);
    try {
      return await this.exitCode();
    } finally {
      if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    }
  }
}

/** A throw-away certificate for localhost and 127.0.0.1, that signs itself. */
export class Certificate {
  #folder = mkdtempSync(join(tmpdir(), 'coax-interop-'));
  file = join(this.#folder, 'cert.pem');
  key = join(this.#folder, 'key.pem');

  constructor() {
    const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    execFileSync(
      'openssl',
      ['req', ...kind, '-subj', '/CN=localhost', '-addext', names, '-keyout', this.key, '-out', this.file],
      { stdio: 'ignore', timeout: patience },
    );
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }
}
