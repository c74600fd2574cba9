// What EventSources see of an application behind the relay: all that they see without it, and no more.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { FORMS } from './apps/awkward.js';
import { sseApp } from './apps/sse_app.js';
import { EVENT_SOURCES, see } from './clients.js';
import { ALL_WAYS, DIRECTLY, EVENT, HEARTBEAT, LIMIT, LINE, Scene, newMark, timeToNotice } from './relay.js';

const CLOSED = 2;
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const withoutBeats = (events) => events.filter(({ type }) => type !== 'alive');
const data = ({ events }) => withoutBeats(events).map((event) => event.data);

for (const client of EVENT_SOURCES) {
  describe(client.name, () => {
    const application = sseApp();
    const scene = new Scene(application);
    before(async () => {
      await scene.start();
      await client.start();
    }, LIMIT);
    after(async () => {
      await client.stop();
      await scene.stop();
    }, LIMIT);

    /** Runs `body` with a page, or what stands for one, and the address of paths. */
    async function visiting(way, body) {
      const at = (path) => client.address(scene, way, path);
      const visit = await client.visit(at('/page'));
      try {
        await body(visit, at);
      } finally {
        await visit.leave();
      }
    }

    const direct = {};  // what it makes of each form by itself

    for (const way of ALL_WAYS) {
      test(`reads every awkward form, ${way.name}`, LIMIT, () => visiting(way, async (visit, at) => {
        const opened = await Promise.all(Object.entries(FORMS).map(async ([name, { text }]) => {
          const cut = Math.floor(Buffer.from(text).length / 2);
          return [name, await visit.open(at(`/awkward/${name}?cut=${cut}`), { once: true })];
        }));
        for (const [name, index] of opened) {
          const { events } = await see(visit, index, ({ state }) => state === CLOSED, `the end of ${name}`);
          if (way === DIRECTLY) direct[name] = events;
          assert.deepEqual(withoutBeats(events), direct[name], name);
        }
      }));
    }

    describe('which waits', { concurrency: true }, () => {
      for (const way of ALL_WAYS) {
        test(`notices nothing in a silence, ${way.name}`, LIMIT, () => visiting(way, async (visit, at) => {
          const silent = await visit.open(at('/silent'));
          const index = await visit.open(at(`/pause?silence=${2.4 * HEARTBEAT}`), { once: true });
          const { events } = await see(visit, index, ({ state }) => state === CLOSED, 'the end');
          assert.deepEqual(withoutBeats(events), [
            { type: 'message', data: 'before', lastEventId: '1' }, { type: 'message', data: 'after', lastEventId: '2' }]);
          const beats = events.length - 2;
          if (way === EVENT) assert.ok(beats >= 1 && beats <= 3, `${beats} heartbeats`);
          const { opens, errors, events: heard } = await visit.look(silent);
          assert.deepEqual({ errors, heard: withoutBeats(heard) }, { errors: 0, heard: [] });
          if (way !== DIRECTLY) assert.equal(opens, 1);  // some wait for a first byte
        }));

        test(`comes back with its id when a stream has ended, ${way.name}`, LIMIT, () => visiting(way, async (visit, at) => {
          const mark = newMark();
          const index = await visit.open(at(`/ticks?retry=1000&portion=4&every=5&${mark}`));
          const seen = await see(visit, index, ({ events }) => withoutBeats(events).length >= 9, 'events of three streams');
          assert.deepEqual(data(seen).slice(0, 9), ['1', '2', '3', '4', '5', '6', '7', '8', '9']);
          assert.deepEqual(application.of(mark).map(({ headers }) => headers['last-event-id']).slice(0, 3),
            [undefined, '4', '8']);
        }));
      }

      for (const way of [DIRECTLY, LINE]) {
        test(`sees an error when a stream breaks off, and comes back, ${way.name}`, LIMIT, () =>
          visiting(way, async (visit, at) => {
            const mark = newMark();
            const index = await visit.open(at(`/dies?${mark}`));
            const seen = await see(visit, index, ({ errors }) => errors > 0, 'the error');
            assert.deepEqual(data(seen), ['1', '2']);
            assert.notEqual(seen.state, CLOSED);
            await application.when(mark, (exchange) => exchange !== application.of(mark)[0]);
          }));
      }
    });

    for (const way of [DIRECTLY, LINE]) {
      for (const code of [204, 404, 500, 503]) {
        test(`gives up at a ${code}, ${way.name}`, LIMIT, () => visiting(way, async (visit, at) => {
          const mark = newMark();
          const index = await visit.open(at(`/status/${code}?${mark}`));
          const seen = await see(visit, index, ({ state }) => state === CLOSED, 'the end');
          assert.deepEqual([seen.events, seen.opens], [[], 0]);
          await sleep(50);
          assert.equal(application.of(mark).length, 1);
        }));
      }

      test(`that is closed is known to be by the application within 100 ms, ${way.name}`, LIMIT, () =>
        visiting(way, async (visit, at) => {
          const times = [];
          for (const path of ['/ticks', '/silent', '/ticks']) {
            const mark = newMark();
            const index = await visit.open(at(`${path}?${mark}`));
            times.push(await timeToNotice(application, mark, () => visit.close(index)));
          }
          assert.ok(median(times) < 100, `${times.map(Math.round)} ms`);
        }));
    }
  });
}
