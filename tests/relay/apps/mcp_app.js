// A server of the Model Context Protocol (Streamable HTTP) whose tools take their time.
//
//   node apps/mcp_app.js [PORT]      at /mcp

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { z } from 'zod';

import { Application, runAsProgram } from './application.js';

const text = (words) => ({ content: [{ type: 'text', text: words }] });

/** What was sent to each stream, for clients that come back to it. */
class EventStore {
  events = [];

  async storeEvent(streamId, message) {
    this.events.push({ streamId, message });
    return String(this.events.length);
  }

  async replayEventsAfter(lastEventId, { send }) {
    const { streamId } = this.events[Number(lastEventId) - 1];
    for (let n = Number(lastEventId); n < this.events.length; n += 1) {
      if (this.events[n].streamId === streamId) await send(String(n + 1), this.events[n].message);
    }
    return streamId;
  }
}

function makeServer(application) {
  const server = new McpServer({ name: 'relay-test', version: '1.0.0' }, { capabilities: { logging: {} } });

  server.registerTool('count', { description: 'Counts, and tells how far it is.',
    inputSchema: { to: z.number(), pause: z.number() } }, async ({ to, pause }, { _meta, sendNotification, signal }) => {
    signal.addEventListener('abort', () => { application.cancelled += 1; });
    for (let n = 1; n <= to && !signal.aborted; n += 1) {
      await sleep(pause);
      await sendNotification({ method: 'notifications/progress',
        params: { progressToken: _meta.progressToken, progress: n, total: to } });
    }
    return text(`counted to ${to}`);
  });

  server.registerTool('fail', { description: 'Fails.' }, async () => { throw new Error('it was told to fail'); });

  server.registerTool('announce', { description: 'Says something on the stream of the session.' }, async () => {
    await server.sendLoggingMessage({ level: 'info', data: 'announced' });
    return text('done');
  });
  return server;
}

/** `resumable`: its streams can be gone on with. */
export function mcpApp({ resumable = true } = {}) {
  const app = express();
  const application = new Application(app);
  const sessions = new Map();
  application.cancelled = 0;  // tools that were told to stop
  application.forgetSessions = () => sessions.clear();

  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: resumable ? new EventStore() : undefined,
      retryInterval: 50,
      onsessioninitialized: (id) => sessions.set(id, transport),
      onsessionclosed: (id) => sessions.delete(id),
    });
    await makeServer(application).connect(transport);
    return transport;
  };

  app.use(express.json());
  app.all('/mcp', async (request, response) => {
    application.note(request, response, new URL(request.url, 'http://application'));
    const id = request.headers['mcp-session-id'];
    const transport = id ? sessions.get(id) : await open();
    if (transport) return transport.handleRequest(request, response, request.body);
    return response.status(404).json({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } });
  });
  return application;
}

runAsProgram(import.meta, mcpApp);
