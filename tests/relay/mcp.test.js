// What a client of the Model Context Protocol sees of a server behind the relay.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { fetch as undiciFetch } from 'undici';

import { until } from '../browser/gateway.js';
import { mcpApp } from './apps/mcp_app.js';
import { BLOCK, DIRECTLY, EVENT, HEARTBEAT, LIMIT, LINE, Scene, timeToNotice } from './relay.js';

const PLACES = [DIRECTLY, LINE, BLOCK, EVENT].map((way) => ({ way, where: way.name }));
PLACES.push({ way: LINE, where: `${LINE.name}, over HTTP/2`, overTls: true });

/** A session: `client`, its `transport`, the `errors` it was told. */
async function connect(url, options) {
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), options);
  const client = new Client({ name: 'test', version: '1.0.0' });
  const errors = [];
  client.onerror = (error) => errors.push(error);
  await client.connect(transport);
  return { client, transport, errors };
}

const count = (client, to, pause, options) =>
  client.callTool({ name: 'count', arguments: { to, pause } }, undefined, options);

describe('a client of the Model Context Protocol', () => {
  const application = mcpApp();
  const scene = new Scene(application);
  before(() => scene.start(), LIMIT);
  after(() => scene.stop(), LIMIT);

  const open = ({ way, overTls }) => (overTls
    ? connect(scene.secure(way), { fetch: (url, init) => undiciFetch(url, { ...init, dispatcher: scene.h2 }) })
    : connect(scene.url(way)));
  const isListening = (one) => one.method === 'GET' && one.closed === undefined;

  describe('hears nothing of the heartbeats', { concurrency: true }, () => {
    for (const place of PLACES) {
      test(place.where, LIMIT, async () => {
        const { client, errors } = await open(place);
        const answer = await count(client, 1, 2.3 * HEARTBEAT, { onprogress: () => {} });
        assert.deepEqual(answer.content, [{ type: 'text', text: 'counted to 1' }]);
        assert.deepEqual(errors, []);
        await client.close();
      });
    }
  });

  for (const place of PLACES) {
    test(`calls tools and hears of their progress, ${place.where}`, LIMIT, async () => {
      const { client, errors } = await open(place);
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map(({ name }) => name), ['count', 'fail', 'announce']);
      const progress = [];
      const answer = await count(client, 5, 10, { onprogress: (one) => progress.push(one.progress) });
      assert.deepEqual(answer.content, [{ type: 'text', text: 'counted to 5' }]);
      assert.deepEqual(progress, [1, 2, 3, 4, 5]);
      assert.deepEqual(errors, []);
      await client.close();
    });

    test(`hears what the server says by itself, ${place.where}`, LIMIT, async () => {
      const { client } = await open(place);
      const heard = [];
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => heard.push(params.data));
      await application.when('/mcp', isListening);
      await client.callTool({ name: 'announce', arguments: {} });
      await until(() => heard.length > 0, 'the announcement');
      assert.deepEqual(heard, ['announced']);
      await client.close();
    });

    test(`is told what fails, ${place.where}`, LIMIT, async () => {
      const { client } = await open(place);
      const failed = await client.callTool({ name: 'fail', arguments: {} });
      assert.deepEqual([failed.isError, failed.content[0].text], [true, 'it was told to fail']);
      const missing = await client.callTool({ name: 'nothing', arguments: {} }).catch((error) => error);
      assert.match(missing.message ?? missing.content[0].text, /nothing not found/);
      application.forgetSessions();
      await assert.rejects(client.listTools(), (error) =>
        error instanceof StreamableHTTPError && error.code === 404);
      await client.close();
    });

    test(`cancels a call, and leaves at once, ${place.where}`, LIMIT, async () => {
      const { client } = await open(place);
      const { cancelled } = application;
      const abort = new AbortController();
      const call = count(client, 1000, 20, { signal: abort.signal, onprogress: () => abort.abort() });
      await assert.rejects(call, /abort/i);
      await until(() => application.cancelled === cancelled + 1, 'the tool to be told');
      application.exchanges.splice(0, application.exchanges.length, ...application.exchanges.filter(isListening));
      await application.when('/mcp', isListening);
      assert.ok(await timeToNotice(application, '/mcp', () => client.close()) < 200);
    });

    test(`gets the result of a call whose connection broke, ${place.where}`, LIMIT, async () => {
      const { client } = await open(place);
      const progress = [];
      const onprogress = (one) => {
        progress.push(one.progress);
        if (one.progress === 3) application.sockets.forEach((socket) => socket.destroy());
      };
      const answer = await count(client, 12, 100, { onprogress });
      assert.deepEqual(answer.content, [{ type: 'text', text: 'counted to 12' }]);
      assert.deepEqual(progress, Array.from({ length: 12 }, (_, n) => n + 1));
      await client.close();
    });
  }
});

describe('a client of a server whose streams cannot be gone on with', () => {
  const application = mcpApp({ resumable: false });
  const scene = new Scene(application);
  before(() => scene.start(), LIMIT);
  after(() => scene.stop(), LIMIT);

  for (const way of [DIRECTLY, LINE]) {
    test(`is told that its connection broke, ${way.name}`, LIMIT, async () => {
      const { client, errors } = await connect(scene.url(way));
      const onprogress = () => application.sockets.forEach((socket) => socket.destroy());
      await assert.rejects(count(client, 50, 50, { onprogress, timeout: 1500 }), /timed out/);
      assert.match(String(errors[0]), /disconnected/);
      await client.close();
    });
  }
});
