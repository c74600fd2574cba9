// A small server that is compatible with OpenAI's chat completions: it repeats what it was told, word by
// word. The name of the model says how it fares:
//
//   echo · echo-MS (the first word comes so late) · endless · dies · fails (an error within the stream)
//   status-CODE (an error instead of an answer) · late-CODE (the same, after a second and a half)
//
//   node apps/openai_app.js [PORT]

import { setTimeout as sleep } from 'node:timers/promises';

import express from 'express';

import { Application, runAsProgram } from './application.js';

const PAUSE = 10;  // between two words

const error = (code) => ({ error: { message: `it is ${code}`, type: 'server_error', param: null, code: `e${code}` } });

const chunk = (model, delta, finish = null) => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1,
  model, choices: [{ index: 0, delta, finish_reason: finish }] });

async function stream(response, model, words) {
  const say = (value) => response.write(`data: ${JSON.stringify(value)}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  await sleep(Number(/^echo-(\d+)$/.exec(model)?.[1] ?? 0));
  say(chunk(model, { role: 'assistant', content: '' }));
  for (let n = 0; (model === 'endless' || n < words.length) && !response.destroyed; n += 1) {
    say(chunk(model, { content: words[n % words.length] }));
    await sleep(PAUSE);
  }
  if (model === 'dies') return response.socket?.destroy();
  if (model === 'fails') {
    say(error(500));
    return response.end();
  }
  say(chunk(model, {}, 'stop'));
  return response.end('data: [DONE]\n\n');
}

async function complete(request, response) {
  const { model, messages, stream: wantsStream } = request.body;
  const [, when, refusal] = /^(status|late)-(\d+)$/.exec(model) ?? [];
  if (when === 'late') await sleep(1500);
  if (refusal) return response.status(Number(refusal)).json(error(refusal));
  const { content } = messages.at(-1);
  if (wantsStream) return stream(response, model, content.match(/\S+\s*/g));
  return response.json({ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model,
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }] });
}

export function openaiApp() {
  const app = express();
  const application = new Application(app);
  app.use((request, response, next) => {
    application.note(request, response, new URL(request.url, 'http://application'));
    next();
  });
  app.use(express.json({ limit: '20mb' }));
  app.post('/v1/chat/completions', complete);
  return application;
}

runAsProgram(import.meta, openaiApp);
