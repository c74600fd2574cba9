// The gateway as a process: start it, publish to it, read its metrics, stop it.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Publisher, SECRET } from './publisher.js';

const START_LIMIT = 30_000;

/** Asks `predicate` again and again until it gives something true, and returns that. */
export async function until(predicate, what, milliseconds = 20_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const value = await predicate();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await sleep(50);
  }
}

/** Tables with which browsers come back quickly, so that the tests are quick. */
export const swift = (drainWindow) => `
[retry]
min = "500ms"
max = "900ms"
parked_min = "500ms"
parked_max = "700ms"
[drain]
delay = "0s"
window = "${drainWindow}"
`;

export const ISSUER = 'https://issuer.example';

function configuration({ tlsPort = 0, adminPort = 0, extra, hub, history }) {
  return `
[server]
workers = 1
[[listen]]
address = "127.0.0.1:${tlsPort}"
[[listen]]
address = "127.0.0.1:0"
tls = false
[admin]
address = "127.0.0.1:${adminPort}"
[tls]
certificate = "cert.pem"
key = "key.pem"
[hub]
publisher_keys = [{ alg = "HS256", secret = "${SECRET}" }]
subscriber_keys = [{ secret = "${SECRET}" }, { secret = "${SECRET}", issuer = "${ISSUER}" }]
cors_origins = ["*"]
${hub}
[history]
${history}
${extra}`;
}

/** A process that another one has started: nobody tells us of its end, and a dead one whose parent does not
 * care is still listed. */
function isRunning(pid) {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

export class Gateway {
  /** `extra`: further tables of the configuration; `hub`, `history`: lines of its tables [hub] and [history].
   * Nothing runs before start(). */
  constructor(extra = '', hub = 'anonymous = true', history = 'journal = "memory"') {
    Object.assign(this, { extra, hub, history });
    this.killWithUs = () => this.#signal('SIGKILL');  // a test that was cut short leaves nothing
    process.once('exit', this.killWithUs);
    this.directory = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
    this.errors = '';
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
      'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-addext',
      'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1',
      '-keyout', join(this.directory, 'key.pem'), '-out', join(this.directory, 'cert.pem')],
    { stdio: 'pipe', timeout: 30_000 });
  }

  /** Starts the program; after a first start, on the same ports again. */
  async start() {
    const program = process.env.SLUICE_BINARY;
    assert.ok(program && existsSync(program), 'set SLUICE_BINARY to the sluice program to be tested');
    const file = join(this.directory, 'sluice.toml');
    writeFileSync(file, configuration({ tlsPort: this.port, adminPort: this.admin, ...this }));
    const child = spawn(program, ['serve', '--config', file],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { UBSAN_OPTIONS: 'halt_on_error=1', ...process.env } });
    this.pid = child.pid;
    this.output = '';
    this.isOver = false;
    this.lastWords = this.#lastWords() + 1;  // when it has ended well
    this.ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
    this.ended.then(() => { this.isOver ||= this.pid === child.pid; });
    child.stdout.on('data', (data) => { this.output += data; });
    child.stderr.on('data', (data) => { this.errors += data; });
    const ports = (await this.#readyLine(1)).match(/:(\d+)/g).map((port) => Number(port.slice(1)));
    [this.port, this.clear, this.admin] = ports;
    this.publisher?.close();
    this.publisher = new Publisher(this.clear);
    return this;
  }

  /** The ready line of so many processes, of which the last has just been started. */
  async #readyLine(count) {
    const lines = await until(() => {
      const all = this.output.split('\n').slice(0, -1);
      return (all.length >= count || this.isOver) && all;
    }, `the ready line:\n${this.errors}`, START_LIMIT);
    if (lines.length < count) throw new Error(`the gateway ended at once:\n${this.errors}`);
    return lines.at(-1);
  }

  #signal(signal) {
    if (this.pid && !this.isOver) process.kill(this.pid, signal);
  }

  /** Another process takes over (SIGUSR2), and is what is meant from then on. Resolves when it serves and the
   * old one has drained and ended. */
  async upgrade() {
    const { ended } = this;
    const count = this.output.split('\n').length;
    this.#signal('SIGUSR2');
    await this.#readyLine(count);
    this.pid = Number([...this.errors.matchAll(/upgrade: process (\d+) is started/g)].at(-1)[1]);
    this.ended = this.#endOf(this.pid, ++this.lastWords);
    assert.equal(await ended, 0, this.errors);
  }

  /** The status of a process that is not our child: its last word stands for it, of which there are so many then. */
  async #endOf(pid, lastWords) {
    await until(() => !isRunning(pid), 'the end of an upgraded gateway', 600_000);
    this.isOver ||= this.pid === pid;
    return until(() => this.#lastWords() === lastWords, 'its last word', 2_000).then(() => 0, () => 'no last word');
  }

  #lastWords() {
    return (this.errors.match(/ stopped$/gm) ?? []).length;
  }

  /** Asks for a drain and holds the program to a clean end. */
  async stop() {
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), 40_000);
    const status = await this.ended;
    clearTimeout(timer);
    assert.doesNotMatch(this.errors, /Sanitizer|runtime error:/, this.errors);
    assert.equal(status, 0, `the gateway ended with ${status}:\n${this.errors}`);
  }

  /** Ends the program as a power failure would. */
  async kill() {
    this.#signal('SIGKILL');
    await this.ended;
  }

  async close() {
    this.publisher?.close();
    await this.kill();
    process.off('exit', this.killWithUs);
    rmSync(this.directory, { recursive: true, force: true });
  }

  publish(...event) {
    return this.publisher.publish(...event);
  }

  /** The sum of the samples of a metric whose labels contain `labels`. */
  async metric(name, labels = '') {
    const answer = await fetch(`http://127.0.0.1:${this.admin}/metrics`);
    const values = (await answer.text()).split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .filter((line) => line.includes(labels)).map((line) => Number(line.split(' ').at(-1)));
    assert.notEqual(values.length, 0, `no metric ${name} ${labels}`);
    return values.reduce((sum, value) => sum + value, 0);
  }
}
