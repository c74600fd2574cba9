// What pages that use @microsoft/fetch-event-source see of an application behind the relay.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { BROWSERS, launch } from '../browser/browsers.js';
import { until } from '../browser/gateway.js';
import { sseApp } from './apps/sse_app.js';
import { ALL_WAYS, BLOCK, DIRECTLY, EVENT, HEARTBEAT, LIMIT, LINE, Scene, newMark, timeToNotice } from './relay.js';

/** Runs in the page: asks for a stream and writes down what happens to it. */
function follow(lib, url, options) {
  const abort = new AbortController();
  const seen = { messages: [], errors: 0, closed: 0, status: 0, settled: '', abort };
  window.seen = seen;
  return import(lib).then(({ fetchEventSource }) => {
    fetchEventSource(url, {
      ...options,
      openWhenHidden: true,
      signal: abort.signal,
      async onopen(answer) {
        seen.status = answer.status;
        if (!answer.ok) throw new Error(`status ${answer.status}`);
      },
      onmessage({ event, data, id }) { seen.messages.push({ event, data, id }); },
      onclose() { seen.closed += 1; },
      onerror(error) {
        seen.errors += 1;
        throw error;  // do not try again
      },
    }).then(() => { seen.settled = 'resolved'; }, () => { seen.settled = 'rejected'; });
  });
}

describe('@microsoft/fetch-event-source in Chromium', () => {
  const application = sseApp();
  const scene = new Scene(application);
  let browser;
  before(async () => {
    await scene.start();
    browser = await launch(BROWSERS[0]);
  }, LIMIT);
  after(async () => {
    await browser?.close();
    await scene.stop();
  }, LIMIT);

  /** Runs `body` with a page of the origin that is asked, and how to ask. */
  async function visiting(way, body) {
    const at = (path) => (way.prefix ? scene.secure(way, path) : scene.url(way, path));
    const context = await browser.createBrowserContext();
    try {
      const page = await context.newPage();
      await page.goto(at('/page'));
      const look = () => page.evaluate(() => ({ ...window.seen, abort: undefined }));
      await body({
        page,
        look,
        ask: (path, options = {}) => page.evaluate(follow, at('/lib/index'), at(path), options),
        settled: () => until(async () => {
          const seen = await look();
          return seen.settled && seen;
        }, 'the end'),
      });
    } finally {
      await context.close();
    }
  }

  for (const way of ALL_WAYS) {
    test(`reads the events of a POST and sees its end, ${way.name}`, LIMIT, () => visiting(way, async ({ ask, settled }) => {
      const mark = newMark();
      await ask(`/ticks?count=3&every=5&${mark}`, { method: 'POST', headers: { authorization: 'Bearer me' }, body: 'words' });
      const { messages, status, errors, closed, settled: how } = await settled();
      assert.deepEqual(messages.map(({ id, data }) => [id, data]), [['1', '1'], ['2', '2'], ['3', '3']]);
      assert.deepEqual({ status, errors, closed, how }, { status: 200, errors: 0, closed: 1, how: 'resolved' });
      const [{ method, headers }, ...more] = application.of(mark);
      assert.deepEqual([method, headers.authorization, more.length], ['POST', 'Bearer me', 0]);
    }));

    test(`sees of heartbeats what it must, ${way.name}`, LIMIT, () => visiting(way, async ({ ask, settled }) => {
      await ask(`/pause?silence=${2.4 * HEARTBEAT}`);
      const { messages, errors } = await settled();
      const isBeat = ({ data, event }) => data === '' || event === 'alive';
      assert.deepEqual(messages.filter((one) => !isBeat(one)).map(({ data }) => data), ['before', 'after']);
      assert.equal(errors, 0);
      // It takes every blank line for a message: hence heartbeats are lines unless asked otherwise.
      const beats = messages.filter(isBeat).length;
      if (way === BLOCK || way === EVENT) assert.ok(beats >= 1, 'heartbeats are seen');
      else assert.equal(beats, 0);
    }));
  }

  for (const way of [DIRECTLY, LINE]) {
    test(`sees an error when a stream breaks off, ${way.name}`, LIMIT, () => visiting(way, async ({ ask, settled }) => {
      await ask('/dies');
      const { messages, errors, closed, settled: how } = await settled();
      assert.deepEqual(messages.map(({ data }) => data), ['1', '2']);
      assert.deepEqual({ errors, closed, how }, { errors: 1, closed: 0, how: 'rejected' });
    }));

    test(`sees the status of a refusal, ${way.name}`, LIMIT, () => visiting(way, async ({ ask, settled }) => {
      for (const code of [401, 404, 429, 500, 503]) {
        await ask(`/status/${code}`);
        const { status, settled: how } = await settled();
        assert.deepEqual([status, how], [code, 'rejected']);
      }
    }));

    test(`is known to have gone by the application within 100 ms, ${way.name}`, LIMIT, () =>
      visiting(way, async ({ ask, page }) => {
        const times = [];
        for (const method of ['GET', 'POST', 'GET']) {
          const mark = newMark();
          await ask(`/ticks?${mark}`, { method });
          times.push(await timeToNotice(application, mark, () => page.evaluate(() => window.seen.abort.abort())));
        }
        assert.ok(times.sort((a, b) => a - b)[1] < 100, `${times.map(Math.round)} ms`);
      }));
  }
});
