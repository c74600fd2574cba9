// A small server that is compatible with Anthropic's messages: it repeats what it was told, word by word.
// The name of the model says how it fares:
//
//   echo · echo-MS (the first word comes so late) · endless · dies · fails (an error within the stream)
//   status-CODE (an error instead of an answer) · late-CODE (the same, after a second and a half)
//
//   node apps/anthropic_app.js [PORT]

import { setTimeout as sleep } from 'node:timers/promises';

import express from 'express';

import { Application, runAsProgram } from './application.js';

const PAUSE = 10;  // between two words
const TYPES = { 400: 'invalid_request_error', 401: 'authentication_error', 404: 'not_found_error',
  429: 'rate_limit_error', 500: 'api_error', 529: 'overloaded_error' };

const error = (code) => ({ type: 'error', error: { type: TYPES[code] ?? 'api_error', message: `it is ${code}` } });

const message = (model, content, reason) => ({ id: 'msg_1', type: 'message', role: 'assistant', model, content,
  stop_reason: reason, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } });

async function stream(response, model, words) {
  const say = (value) => response.write(`event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  await sleep(Number(/^echo-(\d+)$/.exec(model)?.[1] ?? 0));
  say({ type: 'message_start', message: message(model, [], null) });
  say({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  say({ type: 'ping' });
  for (let n = 0; (model === 'endless' || n < words.length) && !response.destroyed; n += 1) {
    say({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: words[n % words.length] } });
    await sleep(PAUSE);
  }
  if (model === 'dies') return response.socket?.destroy();
  if (model === 'fails') {
    say(error(529));
    return response.end();
  }
  say({ type: 'content_block_stop', index: 0 });
  say({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } });
  say({ type: 'message_stop' });
  return response.end();
}

async function answer(request, response) {
  const { model, messages, stream: wantsStream } = request.body;
  const [, when, refusal] = /^(status|late)-(\d+)$/.exec(model) ?? [];
  if (when === 'late') await sleep(1500);
  if (refusal) return response.status(Number(refusal)).json(error(refusal));
  const { content } = messages.at(-1);
  if (wantsStream) return stream(response, model, content.match(/\S+\s*/g));
  return response.json(message(model, [{ type: 'text', text: content }], 'end_turn'));
}

export function anthropicApp() {
  const app = express();
  const application = new Application(app);
  app.use((request, response, next) => {
    application.note(request, response, new URL(request.url, 'http://application'));
    next();
  });
  app.use(express.json({ limit: '20mb' }));
  app.post('/v1/messages', answer);
  return application;
}

runAsProgram(import.meta, anthropicApp);
