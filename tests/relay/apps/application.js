// A test's application: a server that remembers what was asked of it, and when it was left.

import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { pathToFileURL } from 'node:url';

export class Application {
  /** `handler`: of node:http's form. `makeServer`: gives a server for it. */
  constructor(handler, makeServer = (one) => http.createServer(one)) {
    this.exchanges = [];  // { method, path, query, headers, finished, closed }, closed: when, or absent
    this.changes = new EventEmitter().setMaxListeners(0);
    this.sockets = new Set();
    this.server = makeServer(handler);
    this.server.on('connection', (socket) => {
      socket.setNoDelay(true);
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** To be called with each request: remembers it, and sees its end. */
  note(request, response, url) {
    const exchange = { method: request.method, path: url.pathname, query: url.search, headers: { ...request.headers } };
    this.exchanges.push(exchange);
    response.on('finish', () => { exchange.finished = true; });
    response.on('close', () => {
      exchange.closed = performance.now();
      this.changes.emit('change');
    });
    this.changes.emit('change');
  }

  /** The exchanges whose path or query contains `mark`. */
  of(mark) {
    return this.exchanges.filter(({ path, query }) => `${path}${query}`.includes(mark));
  }

  /** Waits until one exchange with that mark fulfils `condition`, and returns it. */
  async when(mark, condition = () => true, milliseconds = 10_000) {
    const signal = AbortSignal.timeout(milliseconds);
    for (;;) {
      const found = this.of(mark).find(condition);
      if (found) return found;
      await once(this.changes, 'change', { signal });
    }
  }

  /** Starts on a port, or on one that is free, and again on the same. */
  async start(port = this.port ?? 0) {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  /** Ends at once, with all that is open. */
  async stop() {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }
}

/** When the module is the program itself: starts its application, as the command line says. */
export async function runAsProgram(meta, make) {
  if (meta.url !== pathToFileURL(process.argv[1]).href) return;
  const [port = 9000, ...rest] = process.argv.slice(2);
  const application = await make(...rest).start(Number(port));
  console.log(application.url);
}
