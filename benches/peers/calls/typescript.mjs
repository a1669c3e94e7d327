// What `benches/peers/speed` has each client do, by the official TypeScript client.

import { readFileSync } from 'node:fs';
import Kernel from '@onkernel/sdk';

const client = new Kernel();
const now = () => ({ wall: performance.now(), cpu: process.cpuUsage() });

async function some(calls, atATime) {
  let left = calls;
  const worker = async () => {
    while (left-- > 0) await client.apiKeys.retrieve('key_1');
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

async function measured(calls, atATime) {
  await some(Math.floor(calls / 5), atATime);
  const began = now();
  await some(calls, atATime);
  return began;
}

const tasks = {
  async first() {
    const began = now();
    await client.apiKeys.retrieve('key_1');
    return began;
  },
  turn: (calls) => measured(calls, 1),
  many: (calls) => measured(calls, 64),
  async pages(keys) {
    const began = now();
    let count = 0;
    for await (const _ of client.apiKeys.list({ limit: 100 })) count++;
    if (count !== keys) throw new Error(`${count} keys`);
    return began;
  },
};

const [task, ...numbers] = process.argv.slice(2);
const began = await tasks[task](...numbers.map(Number));
const cpu = process.cpuUsage(began.cpu);
const wall = (performance.now() - began.wall) / 1e3;
console.log(JSON.stringify({ wall, cpu: (cpu.user + cpu.system) / 1e6 }));
// Its memory is looked at meanwhile.
readFileSync(0);
