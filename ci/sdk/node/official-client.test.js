// The official Node client, unmodified, against the local ECI: it must not be able to tell.
//
// Usage: ECI_SIM=path/to/eci-sim NODE_PATH=path/to/node_modules node --test

'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { after, before, test } = require('node:test');

const Eci = require('@alicloud/eci20180808');
const { Config } = require('@alicloud/openapi-client');

const REGION = 'cn-hangzhou';
const KEY_ID = 'sdk-key';
const KEY_SECRET = 'sdk-secret';

let sim;
const address = {};

before(async () => {
  const options = ['--listen', '127.0.0.1:0', '--control', '127.0.0.1:0', '--time', 'still'];
  const env = { ...process.env, ECI_ACCESS_KEY: KEY_ID, ECI_SECRET_KEY: KEY_SECRET };
  sim = spawn(process.env.ECI_SIM, options, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of readline.createInterface({ input: sim.stdout })) {
    const found = /http:\/\/(127\.0\.0\.1:\d+)/.exec(line);
    if (found) address[line.split(/\s+/)[0].toLowerCase()] = found[1];
    if (address.eci && address.control) break;
  }
  assert.ok(address.eci, 'eci-sim ended before it said where it listens');
});

after(() => sim.kill());

function client(secret = KEY_SECRET) {
  const config = { accessKeyId: KEY_ID, accessKeySecret: secret, endpoint: address.eci, protocol: 'http' };
  return new Eci.default(new Config(config));
}

async function advance(seconds) {
  const answer = await fetch(`http://${address.control}/clock/advance`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seconds }),
  });
  assert.strictEqual(answer.status, 200);
}

async function create(name) {
  const container = new Eci.CreateContainerGroupRequestContainer({
    name: 'main',
    image: 'busybox:1.36',
    cpu: 0.25,
    memory: 0.5,
    command: ['sh', '-c', 'echo a b*~+/=; sleep 3600'],
  });
  const request = new Eci.CreateContainerGroupRequest({
    regionId: REGION,
    containerGroupName: name,
    securityGroupId: 'sg-1',
    vSwitchId: 'vsw-1',
    container: [container],
    tag: [new Eci.CreateContainerGroupRequestTag({ key: 'team', value: '测试 1' })],
  });
  return (await client().createContainerGroup(request)).body.containerGroupId;
}

async function describe(id) {
  const request = new Eci.DescribeContainerGroupsRequest({ regionId: REGION, containerGroupIds: JSON.stringify([id]) });
  return (await client().describeContainerGroups(request)).body;
}

test('a group is created, described and deleted', async () => {
  const id = await create('node-life');
  await advance(120);
  const [group] = (await describe(id)).containerGroups;
  assert.strictEqual(group.status, 'Running');
  assert.deepStrictEqual([group.cpu, group.memory], [0.25, 0.5]);
  assert.strictEqual(group.tags[0].value, '测试 1');
  await client().deleteContainerGroup(
    new Eci.DeleteContainerGroupRequest({ regionId: REGION, containerGroupId: id }),
  );
  await advance(120);
  assert.strictEqual((await describe(id)).totalCount, 0);
});

test('logs are read', async () => {
  const id = await create('node-logs');
  await advance(120);
  const request = new Eci.DescribeContainerLogRequest({
    regionId: REGION,
    containerGroupId: id,
    containerName: 'main',
  });
  assert.match((await client().describeContainerLog(request)).body.content, /a b\*~\+\/=/);
});

test('a wrong secret is told apart', async () => {
  await assert.rejects(client('wrong').describeRegions(new Eci.DescribeRegionsRequest({})), {
    code: 'SignatureDoesNotMatch',
  });
});
