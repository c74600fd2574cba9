// The recipes of docs/relay-recipes.md: each application, route and client as they stand there.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { BROWSERS, launch } from '../browser/browsers.js';
import { Cutter } from '../browser/cutter.js';
import { until } from '../browser/gateway.js';
import { LIMIT, Scene } from './relay.js';

const FOLDER = new URL('recipes/', import.meta.url);
const MANUAL = readFileSync(new URL('../../docs/relay-recipes.md', import.meta.url), 'utf8');
const PYTHON = '/usr/bin/python3';
const fileOf = (recipe, name) => readFileSync(new URL(`${recipe}/${name}`, FOLDER), 'utf8');

/** How each application is started, as its recipe says, but for the port. */
const START = {
  express: () => [process.execPath, 'app.js'],
  openai: () => [process.execPath, 'app.js'],
  mcp: () => [process.execPath, 'app.js'],
  fastapi: (port) => [PYTHON, '-B', '-m', 'uvicorn', 'app:app', '--port', port],
  django: (port) => [PYTHON, '-B', '-m', 'gunicorn', '--threads', '100', '--graceful-timeout', '1', '-b', `127.0.0.1:${port}`, 'app:application'],
};

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const isOpen = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => resolve(true));
  socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
});

/** A program in a recipe's folder; `lines` are those it has printed. */
class Program {
  constructor([command, ...words], recipe, environment) {
    this.process = spawn(command, words, { cwd: fileURLToPath(new URL(recipe, FOLDER)),
      env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.text = '';
    this.errors = '';
    this.process.stdout.on('data', (data) => { this.text += data; });
    this.process.stderr.on('data', (data) => { this.errors += data; });
    this.ended = once(this.process, 'close').then(([code]) => code);
    const killWithUs = () => this.process.kill('SIGKILL');
    process.once('exit', killWithUs);
    this.process.once('exit', () => process.off('exit', killWithUs));
  }

  get lines() {
    return this.text.split('\n').slice(0, -1);
  }

  async result() {
    assert.equal(await this.ended, 0, this.errors);
    return this.lines;
  }

  /** Some servers wait for their clients, and these may have stayed. */
  async stop() {
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 2000);
    await this.ended;
    clearTimeout(timer);
  }
}

/** Runs `body` with the application of a recipe behind a gateway with its route. */
async function cooking(recipe, body) {
  const port = await freePort();
  const route = fileOf(recipe, 'route.toml').replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
  const programs = [];
  const run = (...all) => programs[programs.push(new Program(...all)) - 1];
  const application = run(START[recipe](String(port)), recipe, { PORT: String(port) });
  const scene = new Scene(undefined, { ways: [], routes: route });
  try {
    await until(() => isOpen(port) || application.process.exitCode !== null, `the application: ${application.errors}`);
    await scene.start();
    const origin = `http://127.0.0.1:${scene.gateway.clear}`;
    const client = (gateway = origin) => run([process.execPath, 'client.js'], recipe, { GATEWAY: gateway });
    await body({ scene, client });
  } finally {
    await Promise.all(programs.map((one) => one.stop()));
    await scene.stop();
  }
}

describe('a recipe', () => {
  let browser;
  before(async () => { browser = await launch(BROWSERS[0]); }, LIMIT);
  after(() => browser?.close(), LIMIT);

  for (const recipe of readdirSync(FOLDER)) {
    test(`${recipe} stands in the manual as it was tried`, () => {
      const files = readdirSync(new URL(recipe, FOLDER)).filter((name) => /\.(js|py|toml)$/.test(name));
      assert.ok(files.length >= 3);
      for (const name of files) {
        const text = fileOf(recipe, name);
        assert.ok(text.split('\n').length <= 31, `${recipe}/${name} is long`);
        assert.ok(MANUAL.includes(`\n${text}\`\`\`\n`), `${recipe}/${name} is not in the manual`);
      }
    });
  }

  test('for Express: a page and its events come from one origin', LIMIT, () => cooking('express', async ({ scene }) => {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.goto(scene.origin);
    await page.evaluate(fileOf('express', 'page.js'));
    const time = () => page.evaluate(() => document.querySelector('#time').textContent);
    const first = await until(time, 'the time');
    assert.match(first, /^\d{4}-\d\d-\d\dT/);
    await until(async () => (await time()) > first, 'a later time');
    await context.close();
  }));

  test('for FastAPI: all who look see the same prices', LIMIT, () => cooking('fastapi', async ({ client }) => {
    const readers = [client(), client()];
    await until(() => readers.every(({ lines }) => lines.length >= 5), 'five prices for each');
    const prices = readers.map(({ lines }) => new Map(lines.map((line) => line.split(' '))));
    const common = [...prices[0].keys()].filter((id) => prices[1].has(id));
    assert.ok(common.length >= 3);
    for (const id of common) assert.equal(prices[0].get(id), prices[1].get(id));
  }));

  test('for Django: a log whose connection is cut goes on where it was', LIMIT, () => cooking('django', async ({ scene, client }) => {
    const network = await new Cutter(scene.gateway.clear).listen();
    try {
      const reader = client(`http://127.0.0.1:${network.port}`);
      await until(() => reader.lines.length >= 10, 'the beginning of the log');
      assert.equal(network.cut(), 1);
      assert.deepEqual(await reader.result(), Array.from({ length: 40 }, (_, n) => `step ${n + 1} of 40`));
    } finally {
      network.close();
    }
  }));

  test('for a model: its words come, after a silence', LIMIT, () => cooking('openai', async ({ client }) => {
    assert.deepEqual(await client().result(), ['Say these words one by one.']);
  }));

  test('for a server of the Model Context Protocol: a tool tells of its progress', LIMIT, () => cooking('mcp', async ({ client }) => {
    assert.deepEqual(await client().result(), ['1 of 5', '2 of 5', '3 of 5', '4 of 5', '5 of 5', 'counted to 5']);
  }));
});
