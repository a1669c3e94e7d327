// Rotations by the guide's steps with the official TypeScript client: create, store, verify, delete.
//
// A plan comes on standard input; a line for each rotation goes to standard output.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import Kernel from '@onkernel/sdk';

const plan = JSON.parse(readFileSync(0, 'utf8'));

const client = (key) =>
  new Kernel({ apiKey: key, baseURL: plan.url, timeout: plan.timeout * 1000, logLevel: 'off' });

function write(path, key) {
  writeFileSync(`${path}.new`, key, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

async function byCreating(admin, old) {
  const created = await admin.apiKeys.create({ name: old.name, days_to_expire: plan.days });
  write(old.store, created.key);
  await client(created.key).apiKeys.list({ limit: 1 });
  await admin.apiKeys.delete(old.id);
}

async function byRotating(old) {
  const own = client(readFileSync(old.store, 'utf8'));
  const created = await own.apiKeys.rotate(old.id, { expire_in_days: 0 });
  write(old.store, created.key);
  await client(created.key).apiKeys.list({ limit: 1 });
}

const admin = client(plan.key);
for (const old of plan.keys) {
  let error = null;
  try {
    await (plan.way === 'rotate' ? byRotating(old) : byCreating(admin, old));
  } catch (failure) {
    error = failure.constructor.name;
  }
  console.log(JSON.stringify({ id: old.id, error }));
}
