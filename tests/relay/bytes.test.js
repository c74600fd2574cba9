// What the application said, byte for byte where that matters, as any client of HTTP gets it.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fetch, request } from 'undici';

import { FORMS, cutsOf } from './apps/awkward.js';
import { sseApp } from './apps/sse_app.js';
import { parse } from './parse.js';
import {
  BLOCK, DIRECTLY, EVENT, HEARTBEAT, HEARTBEATS, LIMIT, LINE, REPLAYED, SHARED, Scene, newMark, timeToNotice,
} from './relay.js';

const APPLICATIONS = [
  { kind: 'http', protocol: 'http/1.1', ways: [DIRECTLY, LINE, BLOCK, EVENT, SHARED, REPLAYED] },
  { kind: 'express', protocol: 'http/1.1', ways: [LINE] },
  { kind: 'h2', protocol: 'h2', ways: [LINE, REPLAYED] },  // undici needs TLS for HTTP/2
];
const AS_THEY_ARE = [DIRECTLY, LINE];
const SILENCE = 1.3 * HEARTBEAT;

const CASES = Object.entries(FORMS).flatMap(([name, form]) =>
  [0, ...cutsOf(form)].map((cut) => ({ name, form, cut })));

/** The body of an event stream that ends well. */
async function streamed(url) {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
  return new Uint8Array(await answer.arrayBuffer());
}

const withoutIds = (events) => events.map(({ type, data }) => ({ type, data }));

/** A client makes of `bytes` what it makes of the original. */
function assertSame({ name, cut, form }, bytes, way) {
  const { events, lastEventId = '', retry } = form;
  const got = parse(bytes);
  got.events = got.events.filter(({ type }) => type !== 'alive');
  const what = `${name}, cut at ${cut}: ${JSON.stringify(Buffer.from(bytes).toString()).slice(0, 500)}`;
  if (way === REPLAYED) {  // gives ids where there are none
    assert.deepEqual(withoutIds(got.events), withoutIds(events), what);
  } else {
    assert.deepEqual([got.events, got.lastEventId], [events, lastEventId], what);
    if (retry && way !== SHARED) assert.equal(got.retry, retry, what);
  }
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function* slowly(parts, pause) {
  for (const part of parts) {
    yield part;
    await sleep(pause);
  }
}

/** Runs `body` for each of `items`, some at a time. */
async function forEach(items, body, atOnce = 16) {
  const rest = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (const item of rest) await body(item);
  }));
}

for (const { kind, protocol, ways } of APPLICATIONS) {
  describe(`an application (${kind}, ${protocol})`, () => {
    const application = sseApp(kind);
    const scene = new Scene(application, { ways, protocol });
    before(() => scene.start(), LIMIT);
    after(() => scene.stop(), LIMIT);

    for (const way of kind === 'express' ? [] : ways) {
      test(`streams every awkward form, cut at every byte, ${way.name}`, LIMIT, async () => {
        await forEach(CASES, async (one) => {
          assertSame(one, await streamed(scene.url(way, `/awkward/${one.name}?cut=${one.cut}`)), way);
        });
      });
    }

    for (const way of ways.filter((one) => kind === 'http' && HEARTBEATS.includes(one))) {
      test(`may fall silent at every byte, ${way.name}`, LIMIT, async () => {
        await forEach(CASES, async (one) => {
          assertSame(one, await streamed(scene.url(way, `/awkward/${one.name}?cut=${one.cut}&pause=${SILENCE}`)), way);
        }, CASES.length);
      });

      test(`has heartbeats between events only, ${way.name}`, LIMIT, async () => {
        const lengthOf = async (cut, pause) => (await streamed(scene.url(way, `/awkward/lf?cut=${cut}&pause=${pause}`))).length;
        const [between, within] = ['data: a\n\n'.length, 'data: a\n'.length];
        assert.ok(await lengthOf(between, SILENCE) > await lengthOf(between, 1));
        assert.equal(await lengthOf(within, SILENCE), await lengthOf(within, 1));
      });
    }

    for (const way of ways.filter((one) => AS_THEY_ARE.includes(one))) {
      test(`answers what is no stream, ${way.name}`, LIMIT, async () => {
        for (const code of [200, 201, 400, 404, 418, 429, 500, 503]) {
          const answer = await request(scene.url(way, `/status/${code}`));
          assert.equal(answer.statusCode, code);
          assert.equal(answer.headers['x-why'], 'because');
          assert.deepEqual(await answer.body.json(), { error: `status ${code}` });
        }
        const nothing = await request(scene.url(way, '/status/204'));
        assert.deepEqual([nothing.statusCode, await nothing.body.text()], [204, '']);
        const head = await request(scene.url(way, '/json?bytes=1000'), { method: 'HEAD' });
        assert.equal(head.headers['content-length'], String('{"filler":""}'.length + 1000));
        assert.equal(await head.body.text(), '');
        const elsewhere = await request(scene.url(way, '/redirect?to=/page'));
        assert.deepEqual([elsewhere.statusCode, elsewhere.headers.location], [307, '/page']);
        await elsewhere.body.dump();
      });

      test(`says how long its stream is, ${way.name}`, LIMIT, async () => {
        for (const name of ['lf', 'bom', 'nothing']) {
          const got = parse(await streamed(scene.url(way, `/awkward/${name}?length`)));
          assert.deepEqual(got.events, FORMS[name].events);
        }
        const head = await request(scene.url(way, '/awkward/lf?length'), { method: 'HEAD' });
        assert.deepEqual([head.statusCode, await head.body.text()], [200, '']);
      });

      test(`answers with as much as it likes, ${way.name}`, LIMIT, async () => {
        const answer = await request(scene.url(way, '/json?bytes=20000000'));
        const { filler } = await answer.body.json();
        assert.equal(filler.length, 20_000_000);
      });

      test(`takes its time, ${way.name}`, LIMIT, async () => {
        const answer = await request(scene.url(way, '/status/200?after=1200'));
        assert.deepEqual(await answer.body.json(), { error: 'status 200' });
      });

      test(`hears a body while it answers, ${way.name}`, LIMIT, async () => {
        let tell;
        const told = new Promise((resolve) => { tell = resolve; });
        async function* body() {
          yield 'ping\n';
          await told;  // no more, until the first part has come back
          yield 'pong\n';
        }
        const answer = await fetch(scene.url(way, '/echo'), { method: 'POST', body: body(), duplex: 'half',
          headers: { 'content-type': 'text/plain' } });
        let text = '';
        for await (const part of answer.body) {
          text += Buffer.from(part);
          if (text === 'ping\n') tell();
        }
        assert.equal(text, 'ping\npong\n');
      });

      test(`hears a large body, with and without a length, ${way.name}`, LIMIT, async () => {
        const bytes = randomBytes(5_000_000);
        const hash = (data) => createHash('sha256').update(data).digest('hex');
        const parts = Array.from({ length: 100 }, (_, n) => bytes.subarray(n * 50_000, (n + 1) * 50_000));
        for (const body of [bytes, slowly(parts, 0)]) {
          const answer = await fetch(scene.url(way, '/echo'), { method: 'POST', body, duplex: 'half' });
          assert.equal(hash(new Uint8Array(await answer.arrayBuffer())), hash(bytes));
        }
        for (const method of ['PUT', 'PATCH', 'DELETE']) {
          const answer = await fetch(scene.url(way, '/count'), { method, body: slowly(['abc', 'defg'], 20), duplex: 'half' });
          assert.deepEqual(await answer.json(), { method, bytes: 7 });
        }
      });

      test(`that breaks off is seen to break off, ${way.name}`, LIMIT, async () => {
        const mark = newMark();
        const answer = await fetch(scene.url(way, `/dies?${mark}`));
        let text = '';
        await assert.rejects(async () => {
          for await (const part of answer.body) text += Buffer.from(part);
        });
        assert.match(text, /data: 1\n\ndata: 2\n\n/);
        assert.equal(application.of(mark).length, 1, 'what was answered is not asked again');
      });

      for (const [what, path] of [['a stream', '/ticks'], ['a silent stream', '/silent'],
        ['an answer that has not begun', '/status/200?after=1500']]) {
        test(`knows within 100 ms that ${what} was left, ${way.name}`, LIMIT, async () => {
          const times = [];
          for (let round = 0; round < 5; round += 1) {
            const mark = newMark();
            const abort = new AbortController();
            const asked = fetch(scene.url(way, `${path}${path.includes('?') ? '&' : '?'}${mark}`), { signal: abort.signal });
            asked.then((answer) => answer.text()).catch(() => {});
            times.push(await timeToNotice(application, mark, () => abort.abort()));
          }
          assert.ok(median(times) < 100, `${times.map(Math.round)} ms`);
        });
      }
    }

    test('gets what the client sent', LIMIT, async () => {
      const mark = newMark();
      const answer = await request(scene.url(LINE, `/awkward/lf?${mark}`),
        { headers: { 'last-event-id': 'a:7', 'x-mine': 'yes', 'accept': 'text/event-stream' } });
      await answer.body.dump();
      const [{ headers, path }] = application.of(mark);
      assert.equal(path, '/awkward/lf');
      const { 'last-event-id': id, 'x-mine': mine, accept } = headers;
      assert.deepEqual({ id, mine, accept }, { id: 'a:7', mine: 'yes', accept: 'text/event-stream' });
    });
  });
}
