// HAProxy before two gateways, as docs/deploy/haproxy.md sets it up.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

const EXAMPLES = new URL('../../docs/deploy/examples/', import.meta.url);

/** `text` with each pattern replaced, which has to be there. */
function changed(text, changes) {
  return changes.reduce((before, [pattern, replacement]) => {
    const after = before.replaceAll(pattern, replacement);
    if (after === before) throw new Error(`the example has no ${pattern}`);
    return after;
  }, text);
}

async function listening() {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export class Balancer {
  /** `a`, `b`: gateways that run. */
  constructor(a, b) {
    Object.assign(this, { a, b, errors: '' });
  }

  /** `port`: with TLS, for browsers; `clear`: for those who publish. */
  async start() {
    // Made here, so that there are free ports, and known ones; HAProxy inherits them as 3 and 4.
    const sockets = [await listening(), await listening()];
    [this.port, this.clear] = sockets.map((socket) => socket.address().port);
    const pem = join(this.a.directory, 'site.pem');
    writeFileSync(pem, ['cert.pem', 'key.pem'].map((name) => readFileSync(join(this.a.directory, name))).join(''));
    const file = join(this.a.directory, 'haproxy.cfg');
    const servers = [[/10\.0\.1\.11/g, this.a], [/10\.0\.1\.12/g, this.b]].flatMap(([address, gateway]) => [
      [new RegExp(`(${address.source}:8080 .* port )9090`, 'g'), `$1${gateway.admin}`],
      [new RegExp(`${address.source}:8080`, 'g'), `127.0.0.1:${gateway.clear}`]]);
    writeFileSync(file, changed(readFileSync(new URL('haproxy-two-histories.cfg', EXAMPLES), 'utf8'), [
      [/bind :443 ssl crt \S+/g, `bind fd@4\n  bind fd@3 ssl crt ${pem}`],
      [/maxconn 100000/g, 'maxconn 1000'], ...servers]));
    this.child = spawn('/usr/sbin/haproxy', ['-db', '-f', file],
      { stdio: ['ignore', 'ignore', 'pipe', ...sockets.map((socket) => socket._handle)] });
    this.child.stderr.on('data', (data) => { this.errors += data; });
    this.ended = once(this.child, 'exit');
    this.killWithUs = () => this.child.kill('SIGKILL');
    process.once('exit', this.killWithUs);
    for (const socket of sockets) socket.close();
    return this;
  }

  async close() {
    this.child.kill('SIGTERM');
    await this.ended;
    process.off('exit', this.killWithUs);
  }
}
