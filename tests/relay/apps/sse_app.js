// An application that streams, in every way that a proxy may have to bear.
//
//   node apps/sse_app.js [PORT [http|h2|express]]      port 9000 of 127.0.0.1 if none is given
//
// Every path takes ?after=MS: the answer begins so late.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import express from 'express';

import { FORMS } from './awkward.js';
import { Application, runAsProgram } from './application.js';

const STREAM = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** Has its client left? Of either protocol. */
const isGone = (response) => Boolean(response.destroyed || response.stream?.destroyed);

async function awkward(request, response, { name, query }) {
  const bytes = Buffer.from(FORMS[name].text);
  const cut = Number(query.get('cut') ?? bytes.length);
  response.writeHead(200, query.has('length') ? { ...STREAM, 'content-length': bytes.length } : STREAM);
  response.flushHeaders();
  if (cut > 0) response.write(bytes.subarray(0, cut));
  await sleep(Number(query.get('pause') ?? 2));  // so that the parts travel by themselves
  if (cut < bytes.length) response.write(bytes.subarray(cut));
  response.end();
}

/** Numbers from the one after Last-Event-ID on: `portion` of them, up to `count` in all. */
async function ticks(request, response, { query }) {
  const first = Number(request.headers['last-event-id'] ?? 0) + 1;
  const count = Math.min(Number(query.get('count') ?? Infinity), first + Number(query.get('portion') ?? Infinity) - 1);
  const retry = query.get('retry');
  response.writeHead(200, STREAM);
  response.flushHeaders();
  if (retry) response.write(`retry: ${retry}\n\n`);
  for (let n = first; n <= count && !isGone(response); n += 1) {
    response.write(`id: ${n}\ndata: ${n}\n\n`);
    await sleep(Number(query.get('every') ?? 100));
  }
  response.end();
}

/** What a client that stays must not notice: one event before a long silence, and one after. */
async function pause(request, response, { query }) {
  response.writeHead(200, STREAM);
  response.write('id: 1\ndata: before\n\n');
  await sleep(Number(query.get('silence') ?? 3000));
  response.end('id: 2\ndata: after\n\n');
}

function silent(request, response) {
  response.writeHead(200, STREAM);
  response.flushHeaders();
}

function breakOff(response) {
  if (response.stream) response.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  else response.socket.destroy();
}

async function dies(request, response, { query }) {
  response.writeHead(200, STREAM);
  response.write('data: 1\n\ndata: 2\n\ndata: half');
  await sleep(Number(query.get('delay') ?? 50));
  breakOff(response);
}

function status(request, response, { name }) {
  const code = Number(name);
  response.writeHead(code, { ...JSON_TYPE, 'x-why': 'because' });
  response.end(code === 204 || code === 304 ? undefined : JSON.stringify({ error: `status ${code}` }));
}

function redirect(request, response, { query }) {
  response.writeHead(307, { location: query.get('to') });
  response.end();
}

async function echo(request, response) {
  const type = request.headers['content-type'] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type });
  response.flushHeaders();
  for await (const part of request) if (!response.write(part)) await once(response, 'drain');
  response.end();
}

async function count(request, response) {
  let bytes = 0;
  for await (const part of request) bytes += part.length;
  response.writeHead(200, JSON_TYPE);
  response.end(JSON.stringify({ method: request.method, bytes }));
}

function largeJson(request, response, { query }) {
  const text = JSON.stringify({ filler: 'z'.repeat(Number(query.get('bytes') ?? 1_000_000)) });
  response.writeHead(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function page(request, response) {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end('<!doctype html><title>An application</title>');
}

/** The files of @microsoft/fetch-event-source, which name each other without extension. */
function lib(request, response, { name }) {
  const main = createRequire(import.meta.url).resolve('@microsoft/fetch-event-source');
  response.writeHead(200, { 'content-type': 'text/javascript' });
  response.end(readFileSync(join(dirname(main), '../esm', `${basename(name, '.js')}.js`)));
}

const PATHS = { awkward, ticks, pause, silent, dies, status, redirect, echo, count, 'json': largeJson, page, lib };

async function answer(application, request, response) {
  const url = new URL(request.url, 'http://application');
  const [, kind, name] = url.pathname.split('/');
  application.note(request, response, url);
  if (url.searchParams.has('after')) await sleep(Number(url.searchParams.get('after')));
  if (isGone(response)) return;
  if (kind === 'exchanges') {
    response.writeHead(200, JSON_TYPE);
    response.end(JSON.stringify(application.exchanges));
  } else if (PATHS[kind] && !(kind === 'awkward' && !FORMS[name])) {
    await PATHS[kind](request, response, { name, query: url.searchParams });
  } else {
    status(request, response, { name: 404 });
  }
}

const SERVERS = {
  http: (handler) => http.createServer(handler),
  h2: (handler) => http2.createServer(handler),  // by prior knowledge
  express: (handler) => http.createServer(express().use(handler)),
};

export function sseApp(kind = 'http') {
  const application = new Application((request, response) =>
    answer(application, request, response).catch(() => response.destroy()), SERVERS[kind]);
  return application;
}

runAsProgram(import.meta, (kind) => sseApp(kind));
