// What pages live through while the gateway is upgraded in place, in real browsers.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { BROWSERS, Page, launch } from './browsers.js';
import { Gateway, swift } from './gateway.js';

const LIMIT = { timeout: 90_000 };
const STREAMS = 20;
const UPGRADES = 3;
const FILE = 'journal = "file"\npath = "history"';

for (const kind of BROWSERS) {
  describe(`an EventSource in ${kind.name}`, () => {
    let browser;
    before(async () => { browser = await launch(kind); }, LIMIT);
    after(() => browser?.close(), LIMIT);

    // Firefox gives one of another origin up for ever at the first attempt that fails.
    for (const [name, host] of [['of its own origin', 'localhost'], ['of another origin', '127.0.0.1']]) {
      test(`${name} lives through ${UPGRADES} upgrades, and misses nothing`, LIMIT, async () => {
        const gateway = await new Gateway(swift('1s'), 'anonymous = true', FILE).start();
        try {
          const page = await Page.open(browser, `https://localhost:${gateway.port}`);
          await page.subscribe(Array(STREAMS).fill(`https://${host}:${gateway.port}/events/test`));
          await page.allOpen();
          const publishing = gateway.publisher.publishing(['test']);
          await page.all((s) => s.data.length > 0, 'a first event, and so an id to come back with');
          for (let upgrade = 1; upgrade <= UPGRADES; upgrade += 1) {
            await gateway.upgrade();
            await page.all((s) => s.state === 1 && s.opens > upgrade, `all to be open after upgrade ${upgrade}`);
          }
          const { test: data } = await publishing.stop();
          const streams = await page.all((s) => s.data.length >= data.length, 'every event everywhere');
          for (const stream of streams) {
            const { gaps, closed, state } = stream;
            assert.deepEqual({ gaps, closed, state }, { gaps: [], closed: false, state: 1 });
            assert.deepEqual(stream.data, data);
          }
          await page.close();
          await gateway.stop();
        } finally {
          await gateway.close();
        }
      });
    }
  });
}
