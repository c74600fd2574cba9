// Event streams by hand: each event is formatted once, and the same bytes are written to each stream.
import { madeOnDemand, nameIn, secureServer, serve } from './serving.mjs';

const subscribers = madeOnDemand(() => new Set());
const server = secureServer();

server.on('stream', (stream, headers) => {
  const others = subscribers(nameIn(headers[':path']));
  stream.on('error', () => {});
  stream.on('close', () => others.delete(stream));
  stream.respond({
    ':status': 200,
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
  });
  stream.write(':\n\n'); // So that a client sees at once that the stream is open.
  others.add(stream);
});

serve(server, (name, data) => {
  const bytes = Buffer.from(`data: ${data}\n\n`);
  for (const stream of subscribers(name)) stream.write(bytes);
});
