// The operator's dashboard, as real browsers show it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';

import { BROWSERS, Page, launch } from './browsers.js';
import { Gateway, until } from './gateway.js';

const LIMIT = { timeout: 60_000 };
const DRAIN = `
[drain]
delay = "2s"
window = "3s"
`;

/** The dashboard in a page of its own, with all that the browser complains of. */
class Dashboard {
  static async open(browser, gateway, colours = 'light') {
    const dashboard = new Dashboard();
    dashboard.complaints = [];
    dashboard.context = await browser.createBrowserContext();
    const page = dashboard.page = await dashboard.context.newPage();
    page.on('console', (message) => {
      if (['error', 'warn'].includes(message.type())) dashboard.complaints.push(message.text());
    });
    page.on('pageerror', (error) => dashboard.complaints.push(String(error)));
    await page.emulateMediaFeatures?.([{ name: 'prefers-color-scheme', value: colours }]).catch(() => {});
    await page.goto(`http://127.0.0.1:${gateway.admin}/`);
    return dashboard;
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.innerText);
  }

  /** The big number of that name, as it is written: "1 234". */
  tile(name) {
    return this.page.$$eval('.tile', (tiles, wanted) => tiles
      .filter((tile) => tile.querySelector('dt').textContent === wanted)
      .map((tile) => tile.querySelector('.value').textContent)[0], name);
  }

  isShown(selector) {
    return this.page.$eval(selector, (element) => element.checkVisibility());
  }

  says(words, milliseconds) {
    return until(async () => (await this.text('#headline')).includes(words), `"${words}" on the state line`, milliseconds);
  }

  close() {
    return this.context.close();
  }
}

/** A redis-server of its own, for as long as `body` takes. */
async function withRedis(body) {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  const redis = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  try {
    await body(redis, port);
  } finally {
    redis.kill('SIGKILL');
  }
}

for (const kind of BROWSERS) {
  describe(`the dashboard in ${kind.name}`, () => {
    let browser;
    before(async () => { browser = await launch(kind); }, LIMIT);
    after(() => browser?.close(), LIMIT);

    async function withDashboard(extra, body, ...tables) {
      const gateway = await new Gateway(extra, ...tables).start();
      try {
        const dashboard = await Dashboard.open(browser, gateway);
        await body(dashboard, gateway);
        await dashboard.close();
        await gateway.stop();
      } finally {
        await gateway.close();
      }
    }

    test('says that all is well, follows the load, and shows nothing that is not there', LIMIT, () =>
      withDashboard(DRAIN, async (dashboard, gateway) => {
        await dashboard.says('All is well');
        assert.equal(await dashboard.tile('Streams'), '0');
        for (const panel of ['#upstreams', '#routes', '#drain']) assert.equal(await dashboard.isShown(panel), false, panel);
        const page = await Page.open(browser, `https://localhost:${gateway.port}`);
        await page.subscribe(Array.from({ length: 12 }, () => '/events/a'));
        await page.allOpen();
        await until(async () => await dashboard.tile('Streams') === '12', 'twelve streams');
        let isOver = false;
        const load = (async () => { while (!isOver) await gateway.publish('a', 'x'.repeat(100)); })();
        await until(async () => parseFloat(await dashboard.tile('Deliveries/s')) > 0, 'deliveries');
        await until(async () => parseFloat(await dashboard.tile('Publishes/s')) > 0, 'publishes');
        isOver = true;
        await load;
        await until(async () => await dashboard.tile('Deliveries/s') === '0', 'silence');
        assert.match(await dashboard.page.$eval('#chart-deliveries svg', (svg) => svg.getAttribute('aria-label')),
          /Deliveries\/s: 0 now; from 0 to [1-9]/);
        await page.close();
        await until(async () => await dashboard.tile('Streams') === '0', 'no streams');
        assert.deepEqual(dashboard.complaints, []);
      }));

    test('tells of a drain, of its end, and finds the next gateway', LIMIT, () =>
      withDashboard(DRAIN, async (dashboard, gateway) => {
        const page = await Page.open(browser, `https://localhost:${gateway.port}`);
        await page.subscribe(Array.from({ length: 12 }, () => '/events/a'));
        await page.allOpen();
        await until(async () => await dashboard.tile('Streams') === '12', 'twelve streams');
        process.kill(gateway.pid, 'SIGTERM');
        await dashboard.says('Draining');
        assert.ok(await dashboard.isShown('#drain'));
        await until(async () => (await dashboard.text('#drain-text')).includes('of 12 streams left'), 'the progress');
        await dashboard.says('The gateway has ended');
        assert.deepEqual(dashboard.complaints, [], 'up to here nothing has failed');
        await page.close();
        await gateway.stop();
        await gateway.start();
        await dashboard.says('All is well');
      }));

    test('says which upstream is down, and why', LIMIT, () =>
      withDashboard('[[route]]\npath = "/app/*"\nupstream = "http://127.0.0.1:1"\n', async (dashboard, gateway) => {
        await dashboard.says('All is well');
        await fetch(`http://127.0.0.1:${gateway.clear}/app/x`);
        await dashboard.says('is down');
        const problems = await dashboard.text('#state');
        assert.match(problems, /Upstream .*127\.0\.0\.1:1.* is down/);
        assert.match(await dashboard.text('#upstreams tbody'), /✕ down/);
        assert.match(await dashboard.text('#routes tbody'), /\/app\/\*/);
        assert.deepEqual(dashboard.complaints, []);
      }));

    test('says that Redis is away, and that it is back', LIMIT, () =>
      withRedis((redis, port) =>
        withDashboard('', async (dashboard) => {
          await dashboard.says('All is well');
          redis.kill('SIGSTOP');
          await dashboard.says('History cannot be reached');
          assert.match(await dashboard.text('#gist'), new RegExp(`Redis at 127\\.0\\.0\\.1:${port} is away: it does not answer\\. Subscribers stay`));
          redis.kill('SIGCONT');
          await dashboard.says('All is well');
        }, undefined, `journal = "redis"\nurl = "redis://127.0.0.1:${port}"\nanswer_timeout = "500ms"`)));

    test('says so when the connection is lost, and recovers', LIMIT, () =>
      withDashboard(DRAIN, async (dashboard, gateway) => {
        await dashboard.says('All is well');
        process.kill(gateway.pid, 'SIGSTOP');
        await dashboard.says('Lost the connection');
        assert.match(await dashboard.text('#gist'), /is shown is \d+ s old/);
        process.kill(gateway.pid, 'SIGCONT');
        await dashboard.says('All is well');
      }));
  });
}
