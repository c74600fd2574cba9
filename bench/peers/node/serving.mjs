// What both Node servers have in common: HTTP/2 with TLS 1.3, and a port for publishers.
//
//   node SERVER.mjs CERTIFICATE KEY      prints: ready https://… http://…
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';

const [certificate, key] = process.argv.slice(2);

export function secureServer() {
  const server = http2.createSecureServer({
    cert: fs.readFileSync(certificate),
    key: fs.readFileSync(key),
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    ecdhCurve: 'X25519',
    // Otherwise a session is closed when its streams hold more than 10 MB.
    maxSessionMemory: 1000,
    settings: { maxConcurrentStreams: 256 },
  });
  // Clients that go away without a word must not end the server.
  server.on('sessionError', () => {});
  return server;
}

// Takes events by POST /pub/NAME, whose body is the data, and hands them to publish(NAME, data).
function publishServer(publish) {
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      publish(nameIn(request.url), Buffer.concat(parts).toString());
      response.writeHead(202, { 'content-length': 0 });
      response.end();
    });
  });
  server.keepAliveTimeout = 3_600_000;
  return server;
}

export const nameIn = (path) => path.slice('/sub/'.length);

// A Map that makes what it does not have.
export function madeOnDemand(make) {
  const made = new Map();
  return (name) => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name);
  };
}

export function serve(server, publish) {
  const publishing = publishServer(publish);
  const at = { port: 0, host: '127.0.0.1', backlog: 4096 };
  server.listen(at, () =>
    publishing.listen(at, () =>
      console.log(`ready https://127.0.0.1:${server.address().port}`
        + ` http://127.0.0.1:${publishing.address().port}`)));
}
