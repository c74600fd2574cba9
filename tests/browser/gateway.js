// The gateway as a process: start it, publish to it, read its metrics, stop it.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SECRET = 'a-contract-secret-of-32-bytes-or-more';
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

/** A signed token with these claims. */
export function token(claims, typ = 'JWT') {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

const PUBLISHER = token({ mercure: { publish: ['*'] } });
export const ISSUER = 'https://issuer.example';

function configuration({ tlsPort = 0, extra = '', hub = 'anonymous = true' }) {
  return `
[server]
workers = 1
[[listen]]
address = "127.0.0.1:${tlsPort}"
[[listen]]
address = "127.0.0.1:0"
tls = false
[admin]
address = "127.0.0.1:0"
[tls]
certificate = "cert.pem"
key = "key.pem"
[hub]
publisher_keys = [{ alg = "HS256", secret = "${SECRET}" }]
subscriber_keys = [{ secret = "${SECRET}" }, { secret = "${SECRET}", issuer = "${ISSUER}" }]
cors_origins = ["*"]
${hub}
[history]
journal = "memory"
${extra}`;
}

export class Gateway {
  /** `extra`: further tables of the configuration; `hub`: lines of its table [hub].
   * Nothing runs before start(). */
  constructor(extra = '', hub = 'anonymous = true') {
    this.extra = extra;
    this.hub = hub;
    this.directory = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
    this.errors = '';
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
      'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-addext',
      'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1',
      '-keyout', join(this.directory, 'key.pem'), '-out', join(this.directory, 'cert.pem')],
    { stdio: 'pipe', timeout: 30_000 });
  }

  /** Starts the program; after a first start, on the same port again. */
  async start() {
    const program = process.env.SLUICE_BINARY;
    assert.ok(program && existsSync(program), 'set SLUICE_BINARY to the sluice program to be tested');
    const file = join(this.directory, 'sluice.toml');
    writeFileSync(file, configuration({ tlsPort: this.port, extra: this.extra, hub: this.hub }));
    this.process = spawn(program, ['serve', '--config', file],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { UBSAN_OPTIONS: 'halt_on_error=1', ...process.env } });
    const { process: child } = this;
    const killWithUs = () => child.kill('SIGKILL');  // a test that was cut short leaves nothing
    process.once('exit', killWithUs);
    child.once('exit', () => process.off('exit', killWithUs));
    this.ended = once(this.process, 'exit').then(([code, signal]) => code ?? signal);
    this.process.stderr.on('data', (data) => { this.errors += data; });
    const ports = (await this.#readyLine()).match(/:(\d+)/g).map((port) => Number(port.slice(1)));
    [this.port, this.clear, this.admin] = ports;
    return this;
  }

  async #readyLine() {
    let text = '';
    const ready = (async () => {
      for await (const data of this.process.stdout.iterator({ destroyOnReturn: false })) {
        text += data;
        if (text.includes('\n')) return text;
      }
      throw new Error(`the gateway ended at once:\n${this.errors}`);
    })();
    const limit = sleep(START_LIMIT, null, { ref: false }).then(() => {
      throw new Error(`no ready line within ${START_LIMIT} ms:\n${this.errors}`);
    });
    return Promise.race([ready, limit]);
  }

  /** Asks for a drain and holds the program to a clean end. */
  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 40_000);
    const status = await this.ended;
    clearTimeout(timer);
    assert.doesNotMatch(this.errors, /Sanitizer|runtime error:/, this.errors);
    assert.equal(status, 0, `the gateway ended with ${status}:\n${this.errors}`);
  }

  /** Ends the program as a power failure would. */
  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async close() {
    this.agent.destroy();
    if (this.process?.exitCode === null && this.process.signalCode === null) await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** `fields`: of the query, as `private=on`. */
  publish(topic, data, fields = '') {
    return new Promise((resolve, reject) => {
      const request = http.request({ agent: this.agent, host: '127.0.0.1', port: this.clear,
        method: 'POST', path: `/events/${topic}?${fields}`,
        headers: { authorization: `Bearer ${PUBLISHER}`, 'content-length': Buffer.byteLength(data) } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => { text += part; });
        answer.on('end', () => (answer.statusCode === 200 ? resolve(text.trim())
          : reject(new Error(`publish answered ${answer.statusCode}: ${text}`))));
      });
      request.on('error', reject);
      request.end(data);
    });
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
