// An application, and the gateway in front of it: what a test speaks to, one way or the other.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Agent } from 'undici';

import { Gateway } from '../browser/gateway.js';

export const LIMIT = { timeout: 60_000 };
/** Of silence, until there is a heartbeat. */
export const HEARTBEAT = 1000;

/** The application itself: what holds there is true of the application and of the client. */
export const DIRECTLY = { name: 'directly', prefix: '' };

const relayed = (name, prefix, options) => ({ name: `through a relay ${name}`, prefix, options });
export const LINE = relayed('with heartbeats as lines', '/line', 'heartbeat = "line"');
export const BLOCK = relayed('with heartbeats as blocks', '/block', 'heartbeat = "block"');
export const EVENT = relayed('with heartbeats as events', '/event', 'heartbeat = "event:alive"');
export const SHARED = relayed('that shares its streams', '/shared', 'share = true');
export const REPLAYED = relayed('that replays', '/resume',
  'replay = { events = 1000, bytes = "1MiB", linger = "1s" }');

export const early = (errors) => relayed(`that answers early, with errors as ${errors}'s`, '/early',
  `early_after = "300ms"\nerrors = "${errors}"`);

export const HEARTBEATS = [LINE, BLOCK, EVENT];
export const ALL_WAYS = [DIRECTLY, ...HEARTBEATS];

const route = ({ prefix, options }, application, protocol, more) => `
[[route]]
path = "${prefix}/*"
strip_prefix = "${prefix}"
upstream = "${application.url}"
protocol = "${protocol}"
heartbeat_interval = "${HEARTBEAT}ms"
${options}
${more}`;

const SWIFT = `
[heartbeat]
jitter = "0ms"
[drain]
delay = "0s"
window = "0s"
`;

/** An application and a gateway with one route for each of the ways. */
export class Scene {
  /** `protocol`: what the gateway speaks to the application. `more`: lines of every route;
   * `routes`: further tables. */
  constructor(application, { ways = ALL_WAYS, protocol = 'http/1.1', more = '', routes = '' } = {}) {
    Object.assign(this, { application, ways: ways.filter(({ prefix }) => prefix), protocol, more, routes });
  }

  async start() {
    await this.application?.start();
    const tables = this.ways.map((way) => route(way, this.application, this.protocol, this.more));
    this.gateway = await new Gateway(`${SWIFT}${tables.join('')}${this.routes}`).start();
    this.origin = `https://localhost:${this.gateway.port}`;
    this.h2 = new Agent({ allowH2: true,
      connect: { ca: readFileSync(join(this.gateway.directory, 'cert.pem')) } });
  }

  async stop() {
    try {
      await this.h2?.destroy();
      await this.application?.stop();
      await this.gateway?.stop();
    } finally {
      await this.gateway?.close();
    }
  }

  /** Where `path` of the application is found: over HTTP/1.1 in the clear. */
  url(way, path = '') {
    const base = way.prefix ? `http://127.0.0.1:${this.gateway.clear}${way.prefix}` : this.application.url;
    return `${base}${path}`;
  }

  /** The same over TLS, for what speaks HTTP/2 there (the `dispatcher` h2, or a browser). */
  secure(way, path = '') {
    return `${this.origin}${way.prefix}${path}`;
  }
}

/** How long the application took to see that a client had gone: `leave` makes it go. */
export async function timeToNotice(application, mark, leave) {
  await application.when(mark);
  const left = performance.now();
  await leave();
  const { closed } = await application.when(mark, (exchange) => exchange.closed !== undefined);
  return closed - left;
}

let marks = 0;
/** For the query of a request, so that the application knows it again. */
export const newMark = () => `mark=${marks += 1}.`;
