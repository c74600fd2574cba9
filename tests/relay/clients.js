// EventSources of several makers, in the same terms.

import { EventSource as EventSourcePackage } from 'eventsource';
import { Agent, EventSource as EventSourceOfUndici } from 'undici';

import { BROWSERS, launch } from '../browser/browsers.js';
import { until } from '../browser/gateway.js';

const TYPES = ['message', 'add', 'x', 'y', 'é', 'alive'];

/** Opens an EventSource and writes down what happens to it. Also runs in a page, hence alone. */
function record(Maker, url, types, once, options) {
  const source = new Maker(url, options);
  const seen = { source, events: [], opens: 0, errors: 0 };
  source.onopen = () => { seen.opens += 1; };
  source.onerror = () => {
    seen.errors += 1;
    if (once) source.close();
  };
  for (const one of types) {
    source.addEventListener(one, ({ type, data, lastEventId }) => seen.events.push({ type, data, lastEventId }));
  }
  return seen;
}

const plain = ({ source, ...rest }) => ({ ...rest, state: source.readyState });

/** Of Node: everything happens in this process. */
const ofNode = (name, Maker, options = () => undefined) => ({
  name,
  async start() {},
  async stop() {},
  address: (scene, way, path) => scene.url(way, path),
  async visit() {
    const dispatcher = new Agent({ connections: 1000 });
    const opened = [];
    return {
      open: async (url, { once } = {}) => opened.push(record(Maker, url, TYPES, once, options(dispatcher))) - 1,
      look: async (index) => plain(opened[index]),
      close: async (index) => opened[index].source.close(),
      async leave() {
        opened.forEach(({ source }) => source.close());
        await dispatcher.destroy();
      },
    };
  },
});

/** Of a browser: on a page of the origin that is asked. */
const ofBrowser = (kind) => ({
  name: `EventSource in ${kind.name}`,
  async start() { this.browser = await launch(kind); },
  async stop() { await this.browser?.close(); },
  address: (scene, way, path) => (way.prefix ? scene.secure(way, path) : scene.url(way, path)),
  async visit(address) {
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    await page.goto(address);
    await page.evaluate(`window.record = ${record}; window.plain = ${plain}; window.opened = [];`);
    return {
      page,
      open: (url, { once } = {}) => page.evaluate((...[target, types, only]) =>
        window.opened.push(window.record(EventSource, target, types, only)) - 1, url, TYPES, once),
      look: (index) => page.evaluate((n) => window.plain(window.opened[n]), index),
      close: (index) => page.evaluate((n) => window.opened[n].source.close(), index),
      leave: () => context.close(),
    };
  },
});

export const EVENT_SOURCES = [
  ofNode('the package eventsource', EventSourcePackage),
  ofNode('the EventSource of undici', EventSourceOfUndici, (dispatcher) => ({ node: { dispatcher }, dispatcher })),
  ...BROWSERS.map(ofBrowser),
];

/** Waits until what the visit sees of a stream fulfils `condition`, and returns it. */
export async function see(visit, index, condition, what) {
  let last;
  try {
    return await until(async () => {
      last = await visit.look(index);
      return condition(last) && last;
    }, what, 15_000);
  } catch (error) {
    throw new Error(`${error.message}; but ${JSON.stringify(last).slice(0, 1000)}`);
  }
}
