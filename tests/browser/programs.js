// The real binary, in a process that ends with its test.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.FAS_TEST_BINARY ?? fileURLToPath(new URL('../../target/debug/fly-autoscaler', import.meta.url));

/** How long a program may take to say where it listens, in milliseconds. */
const PATIENCE = 30_000;

/**
 * What a suite starts and has to end, the last first. Call it where the suite is described: a hook that is set
 * within another runs with it.
 * @param {typeof import('node:test').after} after
 */
export function ending(after) {
  const ends = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return { after: (end) => ends.push(end) };
}

/**
 * Starts the binary and waits until it says where it listens.
 * @param {{ after: (end: () => any) => void }} context ends it: that of a test, or of `ending`
 * @param {string[]} parameters
 * @param {Record<string, string>} [environment]
 */
export async function start(context, parameters, environment = {}) {
  if (!existsSync(BINARY)) throw new Error(`no binary at ${BINARY}: cargo build`);
  const child = spawn(BINARY, parameters, { env: { PATH: process.env.PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const said = [];
  const listening = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const found = address(line);
        if (found) resolve(found);
      });
    }
    exited.then(([code]) => reject(new Error(`ended with ${code}:\n${said.join('\n')}`)));
    AbortSignal.timeout(PATIENCE).addEventListener('abort', () => reject(new Error(`says nothing of an address:\n${said.join('\n')}`)));
  });
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  context.after(stop);
  return { url: await listening, said, stop };
}

/** `listening on http://127.0.0.1:1234: ...` of the demo, `"listen":"127.0.0.1:1234"` in the log of `serve`. */
function address(line) {
  const port = /listen.*?127\.0\.0\.1:(\d+)/.exec(line)?.[1];
  return port && `http://127.0.0.1:${port}`;
}

/** The demo, this many times as fast as real time. */
export const demo = (context, speed, listen = '127.0.0.1:0') => start(context, ['demo', '--plain', '--seed', '7', '--speed', String(speed), '--listen', listen]);
