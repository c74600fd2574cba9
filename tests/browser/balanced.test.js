// What pages live through while the two gateways behind HAProxy are upgraded in place, one after the other: as
// docs/deploy/haproxy.md has it, in real browsers.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Balancer } from './balancer.js';
import { BROWSERS, Page, launch } from './browsers.js';
import { Gateway, swift } from './gateway.js';
import { Publisher } from './publisher.js';

const UPGRADES = 10;
const TOPICS = Array.from({ length: 10 }, (_, number) => `topic-${number}`);
const HOSTS = ['localhost', '127.0.0.1'];  // Of the page's own origin, and of another one.

async function running() {
  return new Gateway(swift('1s'), 'anonymous = true', 'journal = "file"\npath = "history"').start();
}

describe('behind HAProxy, pages in Chromium and Firefox', () => {
  test(`live through ${UPGRADES} upgrades, and miss nothing`, { timeout: 240_000 }, async () => {
    const gateways = [await running(), await running()];
    const balancer = await new Balancer(...gateways).start();
    const publisher = new Publisher(balancer.clear);
    const browsers = await Promise.all(BROWSERS.map(launch));
    try {
      const pages = await Promise.all(browsers.map((browser) => Page.open(browser, `https://localhost:${balancer.port}`)));
      const urls = HOSTS.flatMap((host) => TOPICS.map((topic) => `https://${host}:${balancer.port}/events/${topic}`));
      await Promise.all(pages.map((page) => page.subscribe(urls)));
      await Promise.all(pages.map((page) => page.allOpen()));
      const streams = await Promise.all(gateways.map((gateway) => gateway.metric('sluice_streams')));
      assert.ok(Math.min(...streams) > 0, `both have some: ${streams}`);

      const publishing = publisher.publishing(TOPICS);
      await Promise.all(pages.map((page) => page.all((s) => s.data.length > 0, 'a first event, and so an id')));
      for (let upgrade = 0; upgrade < UPGRADES; upgrade += 1) {
        await gateways[upgrade % 2].upgrade();
        await Promise.all(pages.map((page) => page.all((s) => s.state === 1, `all to be open after upgrade ${upgrade + 1}`)));
      }
      const data = await publishing.stop();
      const wanted = urls.map((url) => data[url.split('/').at(-1)]);
      for (const page of pages) {
        await page.all((s) => s.data.length >= data[TOPICS[0]].length, 'every event everywhere');
        for (const [index, stream] of (await page.streams()).entries()) {
          const { gaps, closed, state, opens } = stream;
          assert.deepEqual({ gaps, closed, state }, { gaps: [], closed: false, state: 1 }, urls[index]);
          assert.ok(opens > UPGRADES / 2, `${urls[index]} came back ${opens - 1} times`);
          assert.deepEqual(stream.data, wanted[index], urls[index]);
        }
      }
      await Promise.all(gateways.map((gateway) => gateway.stop()));
    } finally {
      await Promise.all(browsers.map((browser) => browser.close()));
      publisher.close();
      await balancer.close();
      await Promise.all(gateways.map((gateway) => gateway.close()));
    }
  });
});
