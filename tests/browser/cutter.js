// A TCP proxy that stands for the network: it can cut every connection at once.

import { once } from 'node:events';
import net from 'node:net';

export class Cutter {
  constructor(targetPort) {
    this.pairs = new Set();
    this.server = net.createServer((client) => {
      const upstream = net.connect(targetPort, '127.0.0.1');
      const pair = { sockets: [client, upstream], bytes: 0 };
      this.pairs.add(pair);
      upstream.on('data', (data) => { pair.bytes += data.length; });
      for (const socket of pair.sockets) {
        socket.setNoDelay(true);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.pairs.delete(pair);
          pair.sockets.forEach((one) => one.destroy());
        });
      }
      client.pipe(upstream).pipe(client);
    });
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    return this;
  }

  /** Cuts all connections; new ones are accepted at once. Returns how many were cut. */
  cut() {
    const pairs = [...this.pairs];
    pairs.flatMap((pair) => pair.sockets).forEach((socket) => socket.destroy());
    return pairs.length;
  }

  /** Runs `action` and returns how many connections brought bytes to the browser meanwhile. */
  async busyDuring(action) {
    const before = new Map([...this.pairs].map((pair) => [pair, pair.bytes]));
    await action();
    return [...this.pairs].filter((pair) => pair.bytes > (before.get(pair) ?? 0)).length;
  }

  close() {
    this.cut();
    this.server.close();
  }
}
