// What pages get from the gateway, in real browsers.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { BROWSERS, Page, launch } from './browsers.js';
import { Cutter } from './cutter.js';
import { Gateway, swift, until } from './gateway.js';

const LIMIT = { timeout: 60_000 };
const STREAMS = 200;
const EVENTS = 100;

const numbers = (from, to) => Array.from({ length: to - from }, (_, n) => String(from + n));
const times = (count, url) => Array(count).fill(url);

async function publish(gateway, from, to) {
  for (const number of numbers(from, to)) await gateway.publish('test', number);
}

for (const kind of BROWSERS) {
  describe(`an EventSource in ${kind.name}`, () => {
    let browser;
    before(async () => { browser = await launch(kind); }, LIMIT);
    after(() => browser?.close(), LIMIT);

    /** Runs `body` with a gateway, a proxy before it, and a page whose origin is the proxy, or with
     * `direct` the gateway itself. */
    async function withPage(body, { direct = false, drainWindow = '1s' } = {}) {
      const gateway = await new Gateway(swift(drainWindow)).start();
      const network = await new Cutter(gateway.port).listen();
      try {
        const page = await Page.open(browser, `https://localhost:${direct ? gateway.port : network.port}`);
        await body({ gateway, network, page });
        await page.close();
        await gateway.stop();
      } finally {
        network.close();
        await gateway.close();
      }
    }

    test('200 of them share one connection with a fetch, and all get every event', LIMIT, () =>
      withPage(async ({ gateway, network, page }) => {
        let streams;
        const connections = await network.busyDuring(async () => {
          await page.subscribe(times(STREAMS, '/events/test'));
          await page.allOpen();
          assert.equal(await gateway.metric('sluice_streams'), STREAMS);
          assert.deepEqual(await page.fetch('/nothing'), { status: 404, protocol: 'h2' });
          await publish(gateway, 0, EVENTS);
          streams = await page.all((s) => s.data.length >= EVENTS, 'every event everywhere');
        });
        assert.equal(connections, 1, 'one connection carries the page, its streams and the fetch');
        for (const { data, gaps, errors } of streams) {
          assert.deepEqual({ data, gaps, errors }, { data: numbers(0, EVENTS), gaps: [], errors: 0 });
        }
      }));

    for (const [name, host] of [['of its own origin', 'localhost'], ['of another origin', '127.0.0.1']]) {
      test(`after a cut connection, ${name}, all come back without a gap or a repeat`, LIMIT, () =>
        withPage(async ({ gateway, network, page }) => {
          await page.subscribe(times(STREAMS, `https://${host}:${network.port}/events/test`));
          await page.allOpen();
          await publish(gateway, 0, 20);
          await page.all((s) => s.data.length >= 20, 'the events before the cut');
          assert.notEqual(network.cut(), 0);
          await publish(gateway, 20, 60);  // while they are away, and while they come back
          await page.allOpen();
          await publish(gateway, 60, EVENTS);
          const streams = await page.all((s) => s.data.length >= EVENTS, 'all events, after the cut');
          for (const { data, gaps, closed, opens } of streams) {
            assert.deepEqual({ data, gaps, closed }, { data: numbers(0, EVENTS), gaps: [], closed: false });
            assert.ok(opens >= 2);
          }
        }));
    }

    test('a cut in the middle of a burst of events loses and repeats nothing', LIMIT, () =>
      withPage(async ({ gateway, network, page }) => {
        await page.subscribe(times(50, '/events/test'));
        await page.allOpen();
        await publish(gateway, 0, 1);
        await page.all((s) => s.data.length >= 1, 'a first event, and so an id to come back with');
        const publishing = publish(gateway, 1, 500);
        await until(async () => (await page.streams()).some((s) => s.data.length > 50), 'the burst');
        network.cut();
        await publishing;
        for (const { data, gaps } of await page.all((s) => s.data.length >= 500, 'the whole burst')) {
          assert.deepEqual({ data, gaps }, { data: numbers(0, 500), gaps: [] });
        }
      }));

    for (const [how, end] of [['drains and', 'stop'], ['dies and', 'kill']]) {
      test(`when the gateway ${how} starts anew, all come back and are told of the gap`, LIMIT, () =>
        withPage(async ({ gateway, page }) => {
          await page.subscribe(times(STREAMS, '/events/test'));
          await page.allOpen();
          await publish(gateway, 0, 3);
          const streams = await page.all((s) => s.data.length >= 3, 'the events of the first life');
          const last = streams[0].ids.at(-1);
          await gateway[end]();
          await gateway.start();
          await page.all((s) => s.gaps.length >= 1 && s.state === 1, 'a gap event everywhere', 40_000);
          await publish(gateway, 3, 6);
          for (const { data, gaps, closed } of await page.all((s) => s.data.length >= 6, 'new events')) {
            assert.deepEqual(data, numbers(0, 6));
            assert.equal(closed, false);
            assert.equal(gaps.length, 1);
            assert.equal(gaps[0].reason, 'epoch');
            assert.equal(gaps[0].last_event_id, last);
            assert.equal(gaps[0].after, 3, 'before anything of the second life');
          }
        }, { direct: true }));
    }

    test('the 201st is parked, asks again and again, and is served when there is room', LIMIT, () =>
      withPage(async ({ gateway, page }) => {
        await page.subscribe(times(STREAMS + 1, '/events/test'));
        const isParked = (stream) => stream.errors >= 6;
        await until(async () => (await page.streams()).some(isParked), 'six rounds of parking', 30_000);
        const streams = await page.streams();
        assert.equal(streams.filter((s) => s.errors > 0).length, 1, 'only one has no place');
        assert.equal(streams.some((s) => s.closed), false, 'and is not given up');
        assert.deepEqual((await page.fetch('/nothing')).status, 404);
        const parked = streams.findIndex(isParked);
        await page.closeStream(parked === 0 ? 1 : 0);
        await until(async () => await gateway.metric('sluice_streams') === STREAMS
          && (await page.streams())[parked].state === 1, 'the parked one to be served');
        await gateway.publish('test', 'to all');
        await until(async () => (await page.streams())[parked].data[0] === 'to all', 'its event');
      }));

    test('those that come back to a draining gateway are parked until the next one serves', LIMIT, () =>
      withPage(async ({ gateway, page }) => {
        await page.subscribe(times(20, '/events/test'));
        await page.allOpen();
        const ended = gateway.stop();
        await until(async () => (await page.streams()).some((s) => s.errors >= 5), 'five rounds');
        await ended;
        assert.equal((await page.streams()).some((s) => s.closed), false);
        await gateway.start();
        await page.allOpen();
        await gateway.publish('test', 'at last');
        const streams = await page.all((s) => s.data[0] === 'at last', 'an event of the next one');
        assert.equal(streams.some((s) => s.closed), false);
      }, { direct: true, drainWindow: '6s' }));
  });
}
