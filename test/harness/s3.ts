import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { install, mayInstall, programOf } from './apt.ts';
import { noteSkipped } from './skip.ts';

/** An S3 to test with: `s3://KEY:SECRET@bucket?endpoint=…`, whose bucket need not exist. */
export interface TestS3 {
  readonly url: string;
  close(): Promise<void>;
}

const PROGRAMS = ['radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'monmaptool', 'ceph'] as const;
const PACKAGES = ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common'] as const;

/** Is there an S3 to test with? If not, `what` is noted as skipped. To be asked while tests are collected. */
export function hasS3(what: string): boolean {
  if ((process.env['TEST_S3'] ?? '') !== '') return true;
  if (!canRun() && mayInstall()) install(PACKAGES);
  if (canRun()) return true;
  noteSkipped(
    what,
    `as root, apt-get install ${PACKAGES.join(' ')}; or set TEST_S3=s3://KEY:SECRET@bucket?endpoint=http://…`,
  );
  return false;
}

/** The one that was given, else a Ceph gateway of this file's own, in memory, on loopback. */
export async function testS3(): Promise<TestS3> {
  const given = process.env['TEST_S3'] ?? '';
  if (given !== '') return { url: given, close: async () => {} };
  return startCeph(mkdtempSync(join(tmpdir(), 'naru-ceph-')));
}

/** Ceph's daemons want to be started as root, to be somebody else or not. */
function canRun(): boolean {
  return process.getuid?.() === 0 && PROGRAMS.every((name) => programOf([name]) !== null);
}

async function startCeph(folder: string): Promise<TestS3> {
  const ports = { mon2: await portNear(33_000), mon1: await portNear(34_000), http: await portNear(35_000) };
  for (const name of ['mon', 'osd', 'run', 'log', 'rgw']) mkdirSync(join(folder, name));
  const fsid = randomUUID();
  const osd = randomUUID();
  const config = join(folder, 'ceph.conf');
  writeFileSync(config, configOf(folder, fsid, ports));
  const run = runner(folder, config);
  run(
    'monmaptool',
    '--create',
    '--clobber',
    '--fsid',
    fsid,
    '--addv',
    'a',
    `[v2:127.0.0.1:${ports.mon2},v1:127.0.0.1:${ports.mon1}]`,
    join(folder, 'monmap'),
  );
  run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', join(folder, 'monmap'));
  run('ceph-mon', '-i', 'a');
  run('ceph', 'osd', 'new', osd);
  run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd);
  run('ceph', 'osd', 'crush', 'add', 'osd.0', '1', 'root=default', 'host=h');
  run('ceph-osd', '-i', '0');
  await until(async () => (await ask(config, 'ceph', 'osd', 'stat')).includes('1 up'));
  run('radosgw', '-n', 'client.rgw');
  run('radosgw-admin', 'user', 'create', '--uid=t', '--display-name=t', '--access-key=AK', '--secret-key=SK');
  const endpoint = `http://127.0.0.1:${ports.http}`;
  await until(async () => (await fetch(endpoint)).ok);
  return { url: `s3://AK:SK@naru?endpoint=${endpoint}`, close: () => stop(folder) };
}

function configOf(folder: string, fsid: string, ports: { mon1: number; mon2: number; http: number }): string {
  return `[global]
fsid = ${fsid}
mon_host = [v2:127.0.0.1:${ports.mon2},v1:127.0.0.1:${ports.mon1}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
run_dir = ${folder}/run
log_file = ${folder}/log/$name.log
admin_socket = ${folder}/run/$name.asok
pid_file = ${folder}/run/$name.pid
mon_data = ${folder}/mon
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 1G
osd_max_object_name_len = 256
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:${ports.http}
rgw_enable_apis = s3
# Without this the gateway waits for ever for a secure link to a monitor that has no keys.
ms_mon_client_mode = crc
rgw_data = ${folder}/rgw
rgw_rados_pool_pg_num_min = 4
`;
}

/** Daemons go to the background by themselves; they must not hold our pipes, so nothing of theirs is read. */
function runner(folder: string, config: string) {
  return (program: string, ...args: string[]) =>
    void execFileSync(program, args, {
      cwd: folder,
      env: environment(config),
      stdio: 'ignore',
      timeout: 60_000,
    });
}

async function ask(config: string, program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { env: environment(config), timeout: 10_000 })).stdout;
}

const environment = (config: string) => ({ ...process.env, CEPH_CONF: config });

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 300; tries > 0; tries -= 1) {
    if (await done().catch(() => false)) return;
    await wait(200);
  }
  throw new Error('the Ceph gateway did not come up');
}

async function stop(folder: string): Promise<void> {
  for (const file of readdirSync(join(folder, 'run')).filter((name) => name.endsWith('.pid'))) {
    try {
      process.kill(Number(readFileSync(join(folder, 'run', file), 'utf8')), 'SIGKILL');
    } catch {
      // It has gone already.
    }
  }
  await wait(200);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/** One of a range that nobody listens on; ranges apart from the ephemeral one, which clients take from. */
async function portNear(from: number): Promise<number> {
  for (let port = from + (process.pid % 500); port < from + 1_000; port += 1) {
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
        .once('error', () => resolve(false))
        .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`no free port above ${from}`);
}
