// An `eci-sim` process, and a listener before it that keeps what it answers.

'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const http = require('node:http');
const readline = require('node:readline');

const REGION = 'cn-hangzhou';
const KEY_ID = 'sdk-key';
const KEY_SECRET = 'sdk-secret';

async function start() {
  const options = ['--listen', '127.0.0.1:0', '--control', '127.0.0.1:0', '--time', 'paused'];
  const env = { ...process.env, ECI_ACCESS_KEY: KEY_ID, ECI_SECRET_KEY: KEY_SECRET };
  const sim = spawn(process.env.ECI_SIM, options, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const address = {};
  for await (const line of readline.createInterface({ input: sim.stdout })) {
    const found = /http:\/\/(127\.0\.0\.1:\d+)/.exec(line);
    if (found) address[line.split(/\s+/)[0].toLowerCase()] = found[1];
    if (address.eci && address.control) break;
  }
  assert.ok(address.eci, 'eci-sim ended before it said where it listens');
  const advance = async (seconds) => {
    const answer = await fetch(`http://${address.control}/clock/advance`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seconds }),
    });
    assert.strictEqual(answer.status, 200);
  };
  return { endpoint: address.eci, control: address.control, advance, stop: () => sim.kill() };
}

// Passes each call on as it came, and keeps the last answer as it was sent.
async function overhear(endpoint) {
  const [host, port] = endpoint.split(':');
  const heard = { last: '' };
  const server = http.createServer((call, answer) => {
    const { method, url: path, headers } = call;
    const passed = http.request({ host, port, method, path, headers }, (reply) => {
      const parts = [];
      reply.on('data', (part) => parts.push(part));
      reply.on('end', () => {
        const body = Buffer.concat(parts);
        heard.last = body.toString('utf8');
        answer.writeHead(reply.statusCode, reply.headers);
        answer.end(body);
      });
    });
    call.pipe(passed);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  heard.endpoint = `127.0.0.1:${server.address().port}`;
  heard.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return heard;
}

module.exports = { KEY_ID, KEY_SECRET, REGION, overhear, start };
