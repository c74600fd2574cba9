// What programs that use OpenAI's and Anthropic's own packages see of a model behind the relay.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { fetch as undiciFetch } from 'undici';

import { anthropicApp } from './apps/anthropic_app.js';
import { openaiApp } from './apps/openai_app.js';
import { ALL_WAYS, BLOCK, DIRECTLY, HEARTBEAT, LIMIT, LINE, Scene, early, timeToNotice } from './relay.js';

const TEXT = 'A stream – of words,\nin several  lines; and 😀 at its end.';
const LATE = `echo-${2.5 * HEARTBEAT}`;  // a silence with heartbeats in it
const MESSAGES = [{ role: 'user', content: TEXT }];
const FETCHES = [{ fetched: 'over HTTP/1.1' }, { fetched: 'over HTTP/2', overTls: true }];

/** Each of the packages in the same terms. `Api`: has its classes of errors. */
const KINDS = [
  {
    name: 'openai',
    make: openaiApp,
    Api: OpenAI,
    path: '/v1/chat/completions',
    client: (url, more) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'key', maxRetries: 0, ...more }),
    begin: (client, model, options) =>
      client.chat.completions.create({ model, messages: MESSAGES, stream: true }, options),
    ask: async (client, model, content = TEXT) => {
      const { choices } = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
      return choices[0].message.content;
    },
    word: ({ choices }) => choices[0]?.delta.content ?? '',
    early: early('openai'),
    ways: [DIRECTLY, LINE, BLOCK],  // it takes every event for one of the model's
    statuses: { 400: 'BadRequestError', 401: 'AuthenticationError', 404: 'NotFoundError', 429: 'RateLimitError', 500: 'InternalServerError' },
    told: /it is 500/,
  },
  {
    name: '@anthropic-ai/sdk',
    make: anthropicApp,
    Api: Anthropic,
    path: '/v1/messages',
    client: (url, more) => new Anthropic({ baseURL: url, apiKey: 'key', maxRetries: 0, ...more }),
    begin: (client, model, options) =>
      client.messages.create({ model, messages: MESSAGES, max_tokens: 100, stream: true }, options),
    ask: async (client, model, content = TEXT) => {
      const { content: blocks } = await client.messages.create({ model, max_tokens: 100, messages: [{ role: 'user', content }] });
      return blocks[0].text;
    },
    word: (event) => (event.type === 'content_block_delta' ? event.delta.text : ''),
    early: early('anthropic'),
    ways: ALL_WAYS,
    statuses: { 400: 'BadRequestError', 401: 'AuthenticationError', 404: 'NotFoundError', 429: 'RateLimitError', 529: 'InternalServerError' },
    told: /overloaded_error/,
  },
];

/** The words of a stream; those that came before it failed are in `words`. */
async function read(stream, word, words = []) {
  for await (const part of stream) words.push(word(part));
  return words.join('');
}

for (const kind of KINDS) {
  const { name, make, Api, path, begin, ask, word, early: earlyWay, ways, statuses, told } = kind;
  describe(`a program that uses ${name}`, () => {
    const application = make();
    const scene = new Scene(application, { ways: [...ways, earlyWay] });
    before(() => scene.start(), LIMIT);
    after(() => scene.stop(), LIMIT);

    const h2Fetch = (url, init) => undiciFetch(url, { ...init, dispatcher: scene.h2 });
    const clientFor = (way, overTls) => (overTls
      ? kind.client(scene.secure(way), { fetch: h2Fetch })
      : kind.client(scene.url(way)));

    const fetches = [...ways, earlyWay].flatMap((way) => FETCHES.map((one) => ({ way, ...one })))
      .filter(({ way, overTls }) => way !== DIRECTLY || !overTls);

    describe('reads', { concurrency: true }, () => {
      for (const { way, fetched, overTls } of fetches) {
        test(`a model's words, ${way.name}, ${fetched}`, LIMIT, async () => {
          const client = clientFor(way, overTls);
          assert.equal(await read(await begin(client, 'echo'), word), TEXT);
          assert.equal(await ask(client, 'echo'), TEXT);
        });

        test(`nothing else in the silence before the first word, ${way.name}, ${fetched}`, LIMIT, async () => {
          assert.equal(await read(await begin(clientFor(way, overTls), LATE), word), TEXT);
        });
      }
    });

    for (const model of ['late-500', 'dies']) {
      test(`gets an error in the stream of a model (${model}), ${earlyWay.name}`, LIMIT, async () => {
        const words = [];
        const stream = await begin(clientFor(earlyWay), model);
        await assert.rejects(read(stream, word, words), (error) => {
          assert.ok(error instanceof Api.APIError, `${error.constructor.name}: ${error.message}`);
          assert.ok(!(error instanceof Api.APIConnectionError), error.message);
          return true;
        });
        assert.equal(words.join(''), model === 'dies' ? TEXT : '');
      });
    }

    for (const way of [DIRECTLY, LINE, BLOCK]) {
      test(`gets the package's own errors, ${way.name}`, LIMIT, async () => {
        for (const [code, wanted] of Object.entries(statuses)) {
          for (const asks of [begin, ask]) {
            await assert.rejects(asks(clientFor(way), `status-${code}`), (error) => {
              assert.ok(error instanceof Api[wanted], `${error.constructor.name} for ${code}`);
              assert.equal(error.status, Number(code));
              assert.match(error.message, new RegExp(`it is ${code}`));
              return true;
            });
          }
        }
      });

      test(`gets the error that a model tells in its stream, ${way.name}`, LIMIT, async () => {
        const words = [];
        const stream = await begin(clientFor(way), 'fails');
        await assert.rejects(read(stream, word, words), (error) => {
          assert.ok(error instanceof Api.APIError, error.constructor.name);
          assert.match(JSON.stringify(error.error) + error.message, told);
          return true;
        });
        assert.equal(words.join(''), TEXT);
      });

      test(`sees that a model died, which is not asked again, ${way.name}`, LIMIT, async () => {
        const asked = application.exchanges.length;
        const words = [];
        const stream = await begin(clientFor(way), 'dies');
        await assert.rejects(read(stream, word, words));
        assert.equal(words.join(''), TEXT);
        assert.equal(application.exchanges.length, asked + 1);
      });

      test(`stops a model within 100 ms, ${way.name}`, LIMIT, async () => {
        const times = [];
        for (const stop of ['break', 'abort', 'abort']) {
          application.exchanges.length = 0;
          const stream = await begin(clientFor(way), 'endless');
          const seen = [];
          const time = timeToNotice(application, path, async () => {
            if (stop === 'abort') stream.controller.abort();
            for await (const part of stream) if (seen.push(word(part)) > 3) break;
          });
          times.push(await time);
        }
        assert.ok(times.sort((a, b) => a - b)[1] < 100, `${times.map(Math.round)} ms`);
      });

      test(`sends much, ${way.name}`, LIMIT, async () => {
        const long = 'words '.repeat(500_000);
        assert.equal(await ask(clientFor(way), 'echo', long), long);
      });
    }
  });
}
