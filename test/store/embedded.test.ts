import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startEmbedded, type Embedded } from '../../src/store/embedded.ts';
import { quiet } from '../harness/log.ts';
import { noteSkipped } from '../harness/skip.ts';

/** Real servers of their own: what is tested here is what is left when processes are killed. */

let folder: string;
let dir: string;
const children = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'naru-test-embedded-'));
  chmodSync(folder, 0o711);
  dir = join(folder, 'postgres');
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  if (existsSync(dir)) await (await startEmbedded({ dir, log: quiet })).stop();
  if (existsSync(dir) && lstatSync(dir).isSymbolicLink()) rmSync(realpathSync(dir), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
});

const start = (more: { join?: boolean; fsync?: boolean } = {}) =>
  startEmbedded({ dir, log: quiet, fsync: false, ...more });
const ended = (pid: number) =>
  !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
const postmaster = () => Number(readFileSync(join(dir, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0]);

/** Another process that owns the server until it is killed. */
async function owner(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'embedded-owner.ts'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function query(server: Embedded, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: await server.url() });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

test('starts from nothing, keeps what it holds, listens on no network, and leaves no process', async () => {
  const first = await start({ fsync: true });
  expect(await query(first, 'show listen_addresses')).toEqual([{ listen_addresses: '' }]);
  expect(await query(first, 'show fsync')).toEqual([{ fsync: 'on' }]);
  await query(first, 'create table kept (n int); insert into kept values (7)');
  const pid = postmaster();
  await first.stop();
  expect(ended(pid)).toBe(true);
  const second = await start();
  expect(second.adopted).toBe(false);
  expect(await query(second, 'select n from kept')).toEqual([{ n: 7 }]);
  await second.stop();
});

test('nobody else may enter its folders', async () => {
  const server = await start();
  expect(statSync(dir).mode & 0o077).toBe(0);
  expect(statSync(join(dir, 'run')).mode & 0o077).toBe(0);
  await server.stop();
});

test('a killed owner leaves a server that the next one adopts and then stops', async () => {
  const killed = await owner();
  const pid = postmaster();
  await kill(killed);
  const next = await start();
  expect(next.adopted).toBe(true);
  expect(postmaster()).toBe(pid);
  await next.stop();
  expect(ended(pid)).toBe(true);
});

test('a second owner is refused in one line that names the first; one that only joins is not', async () => {
  const first = await owner();
  await expect(start()).rejects.toThrow(`${dir} is in use by another naru (process ${first.pid})`);
  const joined = await start({ join: true });
  expect(await query(joined, 'select 1 as one')).toEqual([{ one: 1 }]);
  await joined.stop();
  const again = await start({ join: true });
  expect(await query(again, 'select 1 as one')).toEqual([{ one: 1 }]);
  await again.stop();
});

test('of three that start at once on nothing, one owns it', async () => {
  const three = [1, 2, 3].map(() => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'embedded-owner.ts'), dir], {
      stdio: 'pipe',
    });
    children.add(child);
    return child;
  });
  const said = await Promise.all(
    three.map(async (child) => {
      let refusal = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (refusal += text));
      const owns = once(child.stdout, 'data').then(() => 'owns it');
      return Promise.race([
        owns,
        once(child, 'close').then(() => /is in use by another naru/.exec(refusal)?.[0] ?? refusal),
      ]);
    }),
  );
  expect(said.sort()).toEqual(['is in use by another naru', 'is in use by another naru', 'owns it']);
});

test('a server that dies while it is needed is started again, with everything that was acknowledged', async () => {
  const server = await start({ fsync: true });
  await query(server, 'create table kept (n int)');
  for (let round = 1; round <= 2; round += 1) {
    await query(server, `insert into kept values (${round})`);
    process.kill(postmaster(), 'SIGKILL');
    await vi.waitFor(() => query(server, 'select 1'), { timeout: 20_000, interval: 50 });
    expect(await query(server, 'select count(*)::int as n from kept')).toEqual([{ n: round }]);
  }
  const pid = postmaster();
  await server.stop();
  expect(ended(pid)).toBe(true);
});

test('owner and server killed together: the next start repairs', async () => {
  const killed = await owner();
  process.kill(postmaster(), 'SIGKILL');
  await kill(killed);
  const server = await start();
  expect(server.adopted).toBe(false);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.stop();
});

test('a pid file that names a stranger does not prevent the start', async () => {
  await (await start()).stop();
  const stranger = spawn('sleep', ['60']);
  children.add(stranger);
  writeFileSync(
    join(dir, 'cluster', 'postmaster.pid'),
    `${stranger.pid}\n${dir}/cluster\n1\n5432\n${dir}/run\n\n\nready\n`,
  );
  const server = await start();
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(() => process.kill(stranger.pid ?? 0, 0)).not.toThrow();
  await server.stop();
});

test('killed while the cluster is made: the next start makes it anew', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'embedded-owner.ts'), dir], {
    stdio: 'ignore',
  });
  children.add(child);
  await vi.waitFor(() => expect(readdirSync(dir).join()).toContain('half-made'), {
    timeout: 20_000,
    interval: 5,
  });
  await wait(150);
  await kill(child);
  const server = await start();
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(readdirSync(dir).sort()).toEqual(['cluster', 'run', 'server.log']);
  await server.stop();
});

test("another major version's files are refused in one line", async () => {
  await (await start()).stop();
  writeFileSync(join(dir, 'cluster', 'PG_VERSION'), '17\n');
  await expect(start()).rejects.toThrow(/was made by PostgreSQL 17, and this program brings 18/);
  writeFileSync(join(dir, 'cluster', 'PG_VERSION'), '18\n');
});

test('a path that is too long for a socket gets a short one elsewhere', async () => {
  dir = join(folder, 'a'.repeat(80), 'postgres');
  const server = await start();
  const url = new URL(await server.url());
  const sockets = url.searchParams.get('host') ?? '';
  expect(sockets).toMatch(/^\/tmp\/naru-[0-9a-f]{16}$/);
  expect(statSync(sockets).mode & 0o077).toBe(0);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.stop();
  expect(existsSync(sockets)).toBe(false);
});

test("its own settings are not bent by the user's environment", async () => {
  vi.stubEnv('PGHOST', 'nowhere.invalid')
    .stubEnv('PGPORT', '1')
    .stubEnv('PGSSLMODE', 'require')
    .stubEnv('PGUSER', 'eve');
  try {
    const server = await start();
    expect(await query(server, 'select current_user::text as me')).toEqual([{ me: 'naru' }]);
    await server.stop();
  } finally {
    vi.unstubAllEnvs();
  }
});

const root = process.getuid?.() === 0;
if (!root) noteSkipped('the embedded PostgreSQL as root', 'run the tests as root, too');

describe.runIf(root)('as root', () => {
  test('it runs as somebody else', async () => {
    const server = await start();
    expect(statSync(join(dir, 'cluster')).uid).not.toBe(0);
    expect(statSync(`/proc/${postmaster()}`).uid).toBe(statSync(join(dir, 'cluster')).uid);
    await server.stop();
  });

  test('a data folder that only root may enter lets its user walk through', async () => {
    const data = join(folder, 'data');
    mkdirSync(data, { mode: 0o700 });
    dir = join(data, 'postgres');
    const server = await start();
    expect(statSync(data).mode & 0o777).toBe(0o701);
    await server.stop();
  });

  test('below a home that only root may enter, the data is kept elsewhere and found again', async () => {
    const home = join(folder, 'home');
    mkdirSync(home, { mode: 0o700 });
    dir = join(home, 'deep', 'postgres');
    const first = await start();
    await query(first, 'create table kept (n int)');
    await first.stop();
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(realpathSync(dir)).toMatch(/^\/var\/lib\/naru-/);
    const second = await start();
    expect(await query(second, 'select n from kept')).toEqual([]);
    await second.stop();
  });

  test('files of another user are served as that user', async () => {
    const nobody = 65_534;
    const data = join(folder, 'theirs');
    mkdirSync(data);
    chownSync(data, nobody, nobody);
    dir = join(data, 'postgres');
    const child = spawn(process.execPath, [join(import.meta.dirname, 'embedded-owner.ts'), dir], {
      uid: nobody,
      gid: nobody,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    await once(child.stdout, 'data');
    expect(statSync(join(dir, 'cluster')).uid).toBe(nobody);
    process.kill(postmaster(), 'SIGKILL');
    await kill(child);
    const server = await start();
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(statSync(join(dir, 'cluster')).uid).toBe(nobody);
    await server.stop();
  });
});
