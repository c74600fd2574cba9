// Event streams by the library better-sse: a session for each stream, a channel for each name.
import { createChannel, createSession } from 'better-sse';

import { madeOnDemand, nameIn, secureServer, serve } from './serving.mjs';

const channel = madeOnDemand(createChannel);
const server = secureServer();

server.on('request', async (request, response) => {
  const session = await createSession(request, response, {
    keepAlive: null,
    serializer: String, // The data is text already.
  });
  channel(nameIn(request.url)).register(session);
});

serve(server, (name, data) => channel(name).broadcast(data));
