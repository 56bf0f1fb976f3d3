// The control API's page in a headless Chromium: it shows what the API answers, and what it does, the API does.
//
// Usage: ECI_SIM=path/to/eci-sim CHROMIUM=path/to/chromium NODE_PATH=path/to/node_modules node --test
// With KEEP=1 the picture beside this file is taken anew.

'use strict';

const assert = require('node:assert');
const { createHash } = require('node:crypto');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const Eci = require('@alicloud/eci20180808');
const { Config } = require('@alicloud/openapi-client');
const { chromium } = require('playwright-core');
const { PNG } = require('pngjs');

const { KEY_ID, KEY_SECRET, REGION, start } = require('../sdk/node/local-eci.js');

const PICTURE = path.join(__dirname, 'groups.png');
// What a picture's tile of so many pixels may be off by, of 255: letters are drawn a little otherwise by each release.
const TILE = 16;
const OFF_BY = 24;
// The one family that the picture is drawn in, Debian's fonts-dejavu-core, whatever else a machine has.
const FONTS = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>/usr/share/fonts/truetype/dejavu</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>`;

let eci;
let client;
let browser;
let profile;
let page;

before(async () => {
  eci = await start();
  // every instant on the page is then known
  const now = new Date((await (await fetch(`http://${eci.control}/clock`)).json()).now);
  await eci.advance((Date.parse('2030-01-07T00:30:00Z') - now.getTime()) / 1000);
  const config = { accessKeyId: KEY_ID, accessKeySecret: KEY_SECRET, endpoint: eci.endpoint, protocol: 'http' };
  client = new Eci.default(new Config(config));
  for (const [name, command] of [
    ['web', ['sleep', '86400']],
    ['batch', ['sh', '-c', 'echo done; sleep 30']],
    ['broken', ['sh', '-c', 'exit 3']],
  ]) {
    const container = [new Eci.CreateContainerGroupRequestContainer({ name: 'main', image: 'busybox:1.36', command })];
    const asked = { containerGroupName: name, restartPolicy: 'Never', cpu: 2, memory: 4, securityGroupId: 'sg-1', vSwitchId: 'vsw-1' };
    await client.createContainerGroup(new Eci.CreateContainerGroupRequest({ regionId: REGION, ...asked, container }));
  }
  await eci.advance(600);
  const unknown = new Eci.DeleteContainerGroupRequest({ regionId: REGION, containerGroupId: 'eci-nothere' });
  await assert.rejects(client.deleteContainerGroup(unknown));
  profile = mkdtempSync(path.join(os.tmpdir(), 'page-'));
  writeFileSync(path.join(profile, 'fonts.conf'), FONTS);
  const quiet = ['disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-sync'];
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    chromiumSandbox: false,
    args: [...quiet, 'disable-component-update'].map((flag) => `--${flag}`),
    env: { ...process.env, FONTCONFIG_FILE: path.join(profile, 'fonts.conf') },
    viewport: { width: 1280, height: 480 },
    colorScheme: 'light',
  });
  page = await browser.newPage();
  page.on('console', (message) => assert.notStrictEqual(message.type(), 'error', message.text()));
  await page.goto(`http://${eci.control}/`);
  await page.waitForSelector('#groups tbody tr');
});

after(async () => {
  await browser?.close();
  if (profile) rmSync(profile, { recursive: true, force: true });
  eci?.stop();
});

const texts = (selector) => page.locator(selector).allInnerTexts();
const control = async (asked) => (await fetch(`http://${eci.control}${asked}`)).json();

// The mean colour of each tile.
function tiles({ width, height, data }) {
  const means = [];
  for (let y = 0; y < height; y += TILE) {
    for (let x = 0; x < width; x += TILE) {
      const sum = [0, 0, 0];
      for (let i = y; i < Math.min(y + TILE, height); i += 1) {
        for (let j = x; j < Math.min(x + TILE, width); j += 1) {
          for (let c = 0; c < 3; c += 1) sum[c] += data[(i * width + j) * 4 + c];
        }
      }
      means.push(sum.map((part) => part / (TILE * TILE)));
    }
  }
  return means;
}

test('it looks as it did when somebody last looked', async () => {
  const shot = await page.screenshot();
  if (process.env.KEEP) writeFileSync(PICTURE, shot);
  const [seen, kept] = [PNG.sync.read(shot), PNG.sync.read(readFileSync(PICTURE))];
  assert.deepStrictEqual([seen.width, seen.height], [kept.width, kept.height]);
  const before_ = tiles(kept);
  const off = tiles(seen).filter((tile, index) => tile.some((part, c) => Math.abs(part - before_[index][c]) > OFF_BY));
  const digest = createHash('sha256').update(shot).digest('hex').slice(0, 12);
  if (off.length > 0) writeFileSync(path.join(os.tmpdir(), `page-${digest}.png`), shot);
  assert.strictEqual(off.length, 0, `${off.length} tiles differ from groups.png; the new picture is page-${digest}.png among the temporary files`);
});

test('groups stand with their states, and the bill in the head', async () => {
  assert.deepStrictEqual(await texts('#states span'), ['1 Failed', '1 Running', '1 Succeeded']);
  assert.deepStrictEqual(await texts('#groups tbody tr td:nth-child(2)'), ['broken', 'batch', 'web']);
  const bill = await control('/bill/total');
  assert.strictEqual(await page.innerText('#total'), `${bill.total} ${bill.currency}`);
});

test('a group shows its timeline', async () => {
  await page.click('#groups tbody tr:has-text("batch")');
  await page.waitForSelector('#one ol li');
  const lines = (await texts('#one ol li')).join('\n');
  for (const state of ['Pending', 'Running', 'Succeeded']) assert.match(lines, new RegExp(state));
});

test('refused calls are found', async () => {
  await page.click('[data-view=requests]');
  await page.fill('#find', 'eci-nothere');
  await page.waitForFunction(() => document.querySelectorAll('#requests tbody tr').length === 1);
  assert.match((await texts('#requests tbody tr'))[0], /DeleteContainerGroup\s+404/);
});

test('a fault is added and removed', async () => {
  await page.click('[data-view=faults]');
  await page.click('#add-fault button');
  await page.waitForSelector('#faults tbody tr');
  assert.strictEqual((await control('/faults'))[0].rule.verdict.refuse.code, 'OperationDenied.NoStock');
  await page.click('#faults tbody tr button');
  await page.waitForFunction(() => document.querySelectorAll('#faults tbody tr').length === 0);
  assert.deepStrictEqual(await control('/faults'), []);
});

test('an hour passes at a click', async () => {
  const earlier = Date.parse((await control('/clock')).now);
  await page.click('[data-advance="3600"]');
  await page.waitForFunction(() => document.querySelector('#now').textContent.includes(' 01:40:00'));
  assert.strictEqual(Date.parse((await control('/clock')).now) - earlier, 3600_000);
});

test('a world is saved', async () => {
  await page.click('[data-view=worlds]');
  await page.fill('#name', 'before-lunch');
  await page.click('#save button:not([type])');
  await page.waitForSelector('#worlds tbody tr');
  assert.deepStrictEqual((await control('/snapshots')).map((snapshot) => snapshot.name), ['before-lunch']);
});

test('the terminal of a container takes lines and tells how its command ended', async () => {
  const id = (await control('/groups')).find((group) => group.name === 'web').id;
  const asked = { regionId: REGION, containerGroupId: id, containerName: 'main', command: '["/bin/sh"]' };
  const { body } = await client.execContainerCommand(new Eci.ExecContainerCommandRequest(asked));
  const terminal = await browser.newPage();
  const errors = [];
  terminal.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await terminal.goto(body.httpUrl);
  await terminal.fill('#line', 'echo hello');
  await terminal.press('#line', 'Enter');
  await terminal.waitForFunction(() => document.querySelector('#said').textContent.includes('hello\n'));
  await terminal.fill('#line', 'exit 3');
  await terminal.click('#type button:not([type])');
  await terminal.waitForFunction(() => document.querySelector('#ended').textContent === 'ended with exit code 3');
  assert.deepStrictEqual(errors, []);
  assert.strictEqual((await fetch(body.httpUrl)).status, 404, 'an address serves once');
  await terminal.close();
});
