// Cookies that expire: what pages of both versions of Mercure live through, in real browsers.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { BROWSERS, Page, launch } from './browsers.js';
import { Gateway, ISSUER, until } from './gateway.js';
import { token } from './publisher.js';

const LIMIT = { timeout: 60_000 };
const TOPIC = 'https://example.com/orders/7';
const SWIFT = `
[retry]
min = "500ms"
max = "600ms"
parked_min = "500ms"
parked_max = "600ms"
[drain]
delay = "0s"
window = "0s"
`;

const unixTime = () => Math.floor(Date.now() / 1000);
const VERSIONS = [
  {
    version: '0.x',
    cookie: 'mercureAuthorization',
    path: `/.well-known/mercure?topic=${encodeURIComponent('https://example.com/orders/{id}')}`,
    tokenUntil: (exp) => token({ mercure: { subscribe: [TOPIC] }, exp }),
  },
  {
    version: '1.0',
    cookie: '__Secure-mercure_access_token',
    path: `/.well-known/mercure?match_urlpattern=${encodeURIComponent('https://example.com/orders/:id')}`,
    tokenUntil: (exp) => token({ iss: ISSUER,
      exp,
      authorization_details: [{ type: 'https://mercure.rocks/authorization-detail',
        actions: ['subscribe'],
        topics: [{ match: TOPIC, match_type: 'exact' }] }] }, 'at+jwt'),
  },
];

const isParked = (stream) => stream.errors >= 4;

for (const kind of BROWSERS) {
  for (const { version, cookie, path, tokenUntil } of VERSIONS) {
    describe(`an EventSource of Mercure ${version} in ${kind.name}`, () => {
      let browser;
      before(async () => { browser = await launch(kind); }, LIMIT);
      after(() => browser?.close(), LIMIT);

      /** Runs `body` with a page and `publish(data)`, which publishes privately. */
      async function withPage(hub, body) {
        const gateway = await new Gateway(SWIFT, `token_leeway = "0ms"\n${hub}`).start();
        try {
          const page = await Page.open(browser, `https://localhost:${gateway.port}`);
          const publish = (data) => gateway.publish(encodeURIComponent(TOPIC), data, 'private=on');
          await body({ page, publish, gateway });
          await page.close();
          await gateway.stop();
        } finally {
          await gateway.close();
        }
      }

      const renew = (page) => page.setCookie(cookie, tokenUntil(unixTime() + 600));

      /** The stream runs out while its cookie does, and is parked until the cookie is renewed. */
      async function outlive({ page, publish }) {
        await page.subscribe([path]);
        await page.allOpen();
        for (const data of ['0', '1']) await publish(data);
        await page.all((s) => s.data.length === 2, 'private events while the cookie is good');
        await page.all(isParked, 'rounds of parking');
        for (const data of ['2', '3']) await publish(data);
        assert.deepEqual((await page.streams())[0].data, ['0', '1']);
        await renew(page);
        await page.all((s) => s.data.length === 4 && s.state === 1, 'what it missed');
        await publish('4');
        const [stream] = await page.all((s) => s.data.length === 5, 'a live event');
        assert.deepEqual(stream.data, ['0', '1', '2', '3', '4']);
        assert.deepEqual({ gaps: stream.gaps, closed: stream.closed }, { gaps: [], closed: false });
      }

      for (const anonymous of [true, false]) {
        const where = anonymous ? 'with anonymous subscribers' : 'for tokens only';
        const hub = `anonymous = ${anonymous}`;
        test(`whose cookie expires is parked and goes on with a new one, on a hub ${where}`, LIMIT, () =>
          withPage(hub, async (all) => {
            await all.page.setCookie(cookie, tokenUntil(unixTime() + 5));
            await outlive(all);
          }));

        test(`whose cookie the browser deletes is no anonymous visitor, on a hub ${where}`, LIMIT, () =>
          withPage(hub, async (all) => {
            const exp = unixTime() + 5;
            await all.page.setCookie(cookie, tokenUntil(exp), `; Max-Age=${exp - unixTime()}`);
            await outlive(all);
          }));
      }

      test('that begins with an expired cookie comes back by itself until it has a good one', LIMIT, () =>
        withPage('anonymous = true', async ({ page, publish }) => {
          await page.setCookie(cookie, tokenUntil(unixTime() - 60));
          await page.subscribe([path]);
          await page.all(isParked, 'rounds of parking');
          await renew(page);
          await until(async () => {
            const [before] = await page.streams();
            await publish('now');
            const [now] = await page.streams();
            return before.data.length > 0 && !now.closed;
          }, 'private events with the new cookie');
        }));
    });
  }
}
