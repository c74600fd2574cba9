// Chromium by the DevTools protocol and Firefox by WebDriver BiDi, headless, with a fresh profile.

import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';

import { until } from './gateway.js';

const PATHS = {
  chrome: process.env.SLUICE_CHROMIUM ?? '/usr/bin/chromium',
  firefox: process.env.SLUICE_FIREFOX ?? '/usr/bin/firefox-esr',
};

export const BROWSERS = [
  { name: 'Chromium', browser: 'chrome', args: ['--no-sandbox', '--disable-dev-shm-usage'] },
  { name: 'Firefox', browser: 'firefox', args: [] },
];

export function launch({ browser, args }) {
  const executablePath = PATHS[browser];
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is not installed`);
  return puppeteer.launch({ browser, executablePath, args, headless: true, acceptInsecureCerts: true });
}

/** Runs in the page: opens EventSources and writes down all that happens to them. */
function openInPage(urls) {
  window.streams ??= [];
  for (const url of urls) {
    const source = new EventSource(url);
    const stream = { source, data: [], ids: [], gaps: [], opens: 0, errors: 0, closed: false };
    source.onopen = () => { stream.opens += 1; };
    source.onerror = () => {
      stream.errors += 1;
      stream.closed ||= source.readyState === EventSource.CLOSED;
    };
    source.onmessage = (event) => {
      stream.data.push(event.data);
      stream.ids.push(event.lastEventId);
    };
    source.addEventListener('gap', (event) => {
      stream.gaps.push({ after: stream.data.length, id: event.lastEventId, ...JSON.parse(event.data) });
    });
    window.streams.push(stream);
  }
}

/** A page of the gateway's own origin, with EventSources that are watched. */
export class Page {
  static async open(browser, origin) {
    const page = new Page();
    page.context = await browser.createBrowserContext();
    page.page = await page.context.newPage();
    await page.page.goto(`${origin}/a-page-that-is-not-there`);
    return page;
  }

  subscribe(urls) {
    return this.page.evaluate(openInPage, urls);
  }

  /** What the page knows of its streams: counts and data, without the EventSource objects. */
  streams() {
    return this.page.evaluate(() => window.streams.map(
      ({ source, ...rest }) => ({ ...rest, state: source.readyState })));
  }

  /** Waits until each of the streams fulfils `condition`, and returns them. */
  async all(condition, what, milliseconds) {
    let last = [];
    try {
      return await until(async () => {
        last = await this.streams();
        return last.every(condition) && last;
      }, what, milliseconds);
    } catch (error) {
      const bad = last.filter((stream) => !condition(stream));
      const shown = JSON.stringify(bad.slice(0, 3)).slice(0, 2000);
      throw new Error(`${error.message}; ${bad.length} of ${last.length} streams fail: ${shown}`);
    }
  }

  /** A stream's server side began with what the page saw as `open`. */
  allOpen(milliseconds) {
    return this.all((stream) => stream.state === 1, 'every EventSource to be open', milliseconds);
  }

  fetch(url) {
    return this.page.evaluate(async (target) => {
      const answer = await fetch(target, { signal: AbortSignal.timeout(10_000) });
      await answer.text();
      const [entry] = performance.getEntriesByName(new URL(target, location.href).href).slice(-1);
      return { status: answer.status, protocol: entry?.nextHopProtocol };
    }, url);
  }

  /** As the page itself would set it; `more`: attributes. */
  setCookie(name, value, more = '') {
    return this.page.evaluate((text) => { document.cookie = text; },
      `${name}=${value}; Path=/; Secure; SameSite=Strict${more}`);
  }

  closeStream(index) {
    return this.page.evaluate((n) => window.streams[n].source.close(), index);
  }

  close() {
    return this.context.close();
  }
}
