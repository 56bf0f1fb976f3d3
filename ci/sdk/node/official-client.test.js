// The official Node client, unmodified, against the local ECI: it must not be able to tell.
//
// Usage: ECI_SIM=path/to/eci-sim NODE_PATH=path/to/node_modules node --test

'use strict';

const assert = require('node:assert');
const { after, before, test } = require('node:test');

const Eci = require('@alicloud/eci20180808');
const { Config } = require('@alicloud/openapi-client');

const { KEY_ID, KEY_SECRET, REGION, start } = require('./local-eci.js');

let eci;

before(async () => {
  eci = await start();
});

after(() => eci.stop());

function client(secret = KEY_SECRET) {
  const config = { accessKeyId: KEY_ID, accessKeySecret: secret, endpoint: eci.endpoint, protocol: 'http' };
  return new Eci.default(new Config(config));
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
  await eci.advance(120);
  const [group] = (await describe(id)).containerGroups;
  assert.strictEqual(group.status, 'Running');
  assert.deepStrictEqual([group.cpu, group.memory], [0.25, 0.5]);
  assert.strictEqual(group.tags[0].value, '测试 1');
  await client().deleteContainerGroup(
    new Eci.DeleteContainerGroupRequest({ regionId: REGION, containerGroupId: id }),
  );
  await eci.advance(120);
  assert.strictEqual((await describe(id)).totalCount, 0);
});

test('logs are read', async () => {
  const id = await create('node-logs');
  await eci.advance(120);
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
