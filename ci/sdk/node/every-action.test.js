// Every action that the official Node client has, played from `../every-action.json`; each reply is decoded without loss.

'use strict';

const assert = require('node:assert');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const Eci = require('@alicloud/eci20180808');
const { Config } = require('@alicloud/openapi-client');
const tea = require('@alicloud/tea-typescript');

const { KEY_ID, KEY_SECRET, REGION, overhear, start } = require('./local-eci.js');

const STORY = JSON.parse(readFileSync(path.join(__dirname, '../every-action.json'), 'utf8'));
// Members of replies that came after this client's release.
const UNKNOWN = new Set(['ComputeCategory', 'DnsPolicy']);

let eci;
let heard;

before(async () => {
  eci = await start();
  heard = await overhear(eci.endpoint);
});

after(() => {
  heard.stop();
  eci.stop();
});

// The value with what is known in the place of `${name}`.
function filled(value, known) {
  if (Array.isArray(value)) return value.map((inner) => filled(inner, known));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner, known)]));
  }
  return typeof value === 'string' ? value.replace(/\$\{([\w-]+)\}/g, (_, name) => known[name]) : value;
}

// Every value that holds no other, by its path.
function leaves(value, at = '', found = new Map()) {
  if (value !== null && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) leaves(inner, at ? `${at}.${name}` : name, found);
  } else {
    found.set(at, value);
  }
  return found;
}

test('every action is answered and decoded without loss', async (t) => {
  const config = { accessKeyId: KEY_ID, accessKeySecret: KEY_SECRET, endpoint: heard.endpoint, protocol: 'http' };
  const client = new Eci.default(new Config({ ...config, regionId: REGION }));
  const has = Object.getOwnPropertyNames(Eci.default.prototype)
    .filter((name) => name.endsWith('WithOptions'))
    .map((name) => name[0].toUpperCase() + name.slice(1, -'WithOptions'.length));
  assert.ok(has.length > 30);
  const known = {};
  const played = new Set();
  for (const step of STORY) {
    if (step.advance !== undefined) await eci.advance(step.advance);
    if (!has.includes(step.action)) continue;
    played.add(step.action);
    await t.test(step.action, async () => {
      const parameters = filled({ RegionId: REGION, ...step.parameters }, known);
      const request = tea.cast(parameters, new Eci[`${step.action}Request`]({}));
      const method = step.action[0].toLowerCase() + step.action.slice(1);
      const read = leaves(tea.toMap((await client[method](request)).body));
      const sent = leaves(JSON.parse(heard.last));
      assert.ok(sent.get('RequestId'));
      const lost = [...sent].filter(
        ([at, value]) => read.get(at) !== value && !UNKNOWN.has(at.slice(at.lastIndexOf('.') + 1)),
      );
      assert.deepStrictEqual(lost, [], 'what the client did not decode');
      for (const [at, value] of Object.entries(filled(step.expect ?? {}, known))) {
        if (value === '*') assert.ok([...read.keys()].some((each) => `${each}.`.startsWith(`${at}.`)), at);
        else assert.strictEqual(read.get(at), value, at);
      }
      for (const [name, at] of Object.entries(step.remember ?? {})) known[name] = read.get(at);
    });
  }
  assert.deepStrictEqual(has.filter((action) => !played.has(action)), [], 'the story plays every action');
});
