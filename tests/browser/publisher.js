// A back end: it publishes, on one connection that it keeps.

import { createHmac, randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export const SECRET = 'a-contract-secret-of-32-bytes-or-more';

/** A signed token with these claims. */
export function token(claims, typ = 'JWT') {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

const PUBLISHER = token({ mercure: { publish: ['*'] } });

export class Publisher {
  /** `port`: in clear text, of a gateway or of a balancer before it. */
  constructor(port) {
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  /** `fields`: of the query, as `private=on`. */
  publish(topic, data, fields = '', headers = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request({ agent: this.agent, host: '127.0.0.1', port: this.port,
        method: 'POST', path: `/events/${topic}?${fields}`,
        headers: { authorization: `Bearer ${PUBLISHER}`, 'content-length': Buffer.byteLength(data), ...headers } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => { text += part; });
        answer.on('end', () => (answer.statusCode === 200 ? resolve(text.trim())
          : reject(Object.assign(new Error(`publish answered ${answer.statusCode}: ${text}`),
            { status: answer.statusCode }))));
      });
      request.on('error', (error) => reject(Object.assign(error, { isOnKept: request.reusedSocket })));
      request.end(data);
    });
  }

  /** As a publisher has to: 503 means that it was not kept, and a kept connection that ends in place of an
   * answer, that it may have been. */
  async publishUntilKept(topic, data) {
    const headers = { 'idempotency-key': randomUUID() };
    for (;;) {
      try {
        return await this.publish(topic, data, '', headers);
      } catch (error) {
        if (error.status !== 503 && !error.isOnKept) throw error;
        await sleep(50);
      }
    }
  }

  /** Publishes 0, 1, 2, … to each topic until it is told to stop, and gives each topic's numbers then. */
  publishing(topics) {
    let isOver = false;
    const all = (async () => {
      const numbers = Object.fromEntries(topics.map((topic) => [topic, []]));
      for (let number = 0; !isOver; number += 1) {
        for (const topic of topics) {
          await this.publishUntilKept(topic, String(number));
          numbers[topic].push(String(number));
        }
        await sleep(10);
      }
      return numbers;
    })();
    all.catch(() => {});  // It is told by stop().
    return { stop: () => { isOver = true; return all; } };
  }

  close() {
    this.agent.destroy();
  }
}
