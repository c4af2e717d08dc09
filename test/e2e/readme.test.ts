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
  expect(steps).toHaveLength(4);
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
  const job = answerIn(stdout, '{"id":"job-');
  expect(job).toMatchObject({ state: 'succeeded', exitCode: 0, attempts: 1 });
  expect(job['placement']).toMatchObject({
    provider: 'my-machine',
    pricePerHour: { amount: '1200', currency: 'KRW' },
  });
  expect(stdout).toContain('paid for');
  const { items } = answerIn(stdout, '{"items":[{"seq"') as { items: { kind: string; amount: object }[] };
  // What the page shows: what was held before the start, and nothing is left of it.
  expect(items.at(-1)).toMatchObject({ kind: 'reserve', amount: { amount: '19' } });
  expect(new Set(items.map(({ kind }) => kind))).toEqual(new Set(['reserve', 'charge', 'release']));
  expect(answerIn(stdout, '{"ok":')).toMatchObject({ ok: true });
});

/** The last answer that begins like that. Answers end without a line’s end, so what comes next is on the same line. */
function answerIn(stdout: string, begin: string): Record<string, unknown> {
  const answers = stdout.split(/\n|(?<=\})(?=[^,}\]])/).filter((text) => text.startsWith(begin));
  return JSON.parse(answers.at(-1) ?? '') as Record<string, unknown>;
}
