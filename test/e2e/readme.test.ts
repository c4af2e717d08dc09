import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { freePort, inFolder } from './world.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The README's walk, as a newcomer types it: its own lines, in one shell, in a folder that looks like a checkout. */
const folder = mkdtempSync(join(tmpdir(), 'naru-readme-'));
chmodSync(folder, 0o755);
for (const name of readdirSync(ROOT))
  if (!name.startsWith('.')) symlinkSync(join(ROOT, name), join(folder, name));

afterAll(() => {
  for (const pid of inFolder(folder)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

it('the README’s commands do what it says', { timeout: 180_000 }, async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const steps = [...readme.matchAll(/<!-- walk -->\s*```sh\n([\s\S]*?)```/g)].map(([, lines]) => lines ?? '');
  expect(steps).toHaveLength(3);
  const port = await freePort();
  const script = ['set -e', ...steps, 'echo; kill %1 %2 2>/dev/null; wait']
    .join('\n')
    .replaceAll(':8080', `:${port}`);
  const { PATH = '', HOME = '/tmp' } = process.env;
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    cwd: folder,
    env: { PATH, HOME, PORT: String(port), NARU_LOG_LEVEL: 'error' },
    maxBuffer: 2 ** 24,
  });
  expect(stdout).toContain('hello from attempt 1');
  const job = JSON.parse(stdout.slice(stdout.lastIndexOf('{"id":"job-')).split('\n')[0] ?? '') as Record<
    string,
    unknown
  >;
  expect(job).toMatchObject({ state: 'succeeded', exitCode: 0, attempts: 1 });
  expect(job['placement']).toMatchObject({
    provider: 'my-machine',
    pricePerHour: { amount: '1200', currency: 'KRW' },
  });
});
