import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../demo/outcome.ts';
import { processesOf, sweep } from '../../demo/sweep.ts';

const NARU = join(import.meta.dirname, '../../bin/naru');

/** The demo as a newcomer runs it, in a temporary folder of its own, so that what it leaves can be seen. */
describe('naru demo', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync('/tmp/nd-');
    // Where PostgreSQL has to run as another user, that one walks through.
    chmodSync(folder, 0o755);
  });
  afterEach(async () => {
    for (const name of readdirSync(folder)) await sweep(join(folder, name));
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'shows the main job: everything ends right, once, and nothing is left',
    { timeout: 180_000 },
    async () => {
      const demo = startDemo(folder, ['--json']);
      const [code] = await once(demo.child, 'close');
      const outcome = JSON.parse(demo.stdout()) as Outcome;
      expect(outcome.objections, demo.stderr()).toEqual([]);
      expect({ code, ok: outcome.ok }).toEqual({ code: 0, ok: true });
      expectLoss(outcome);
      expect(outcome.training.sameAsUninterrupted).toBe(true);
      expect(outcome.service).toMatchObject({ wrong: 0 });
      expect(demo.stderr()).toContain('판교 사업자가 사라졌습니다');
      // Not a terminal: no colours, nothing that moves.
      expect(demo.stderr()).not.toContain('\u001b');
      expectNothingLeft(folder);
    },
  );

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the midst of it leaves nothing', { timeout: 120_000 }, async (signal, expected) => {
    const demo = startDemo(folder, []);
    await demo.says('Jobs arrive over HTTP');
    expect(processesOf(folder).length).toBeGreaterThan(4);
    demo.child.kill(signal);
    const [code] = await once(demo.child, 'close');
    expect(code).toBe(expected);
    expectNothingLeft(folder);
  });

  it('SIGKILL in the midst of it leaves nothing: its guard clears up', { timeout: 120_000 }, async () => {
    const demo = startDemo(folder, []);
    await demo.says('Jobs arrive over HTTP');
    demo.child.kill('SIGKILL');
    for (const until = Date.now() + 30_000; Date.now() < until; await wait(100)) {
      if (readdirSync(folder).length === 0 && processesOf(folder).length === 0) break;
    }
    expectNothingLeft(folder);
  });
});

function expectLoss({ lost, jobs }: Outcome): void {
  expect(lost.provider).toBe('pangyo');
  const moved = jobs.filter(({ recovery }) => recovery !== null);
  expect(moved.map(({ name }) => name)).toEqual(expect.arrayContaining(['train-moons', 'serve-moons']));
  for (const { attempts, recovery } of moved) {
    expect(attempts.map(({ provider }) => provider)[0]).toBe('pangyo');
    expect(attempts.at(-1)?.provider).toBe(recovery?.to);
    expect(recovery?.to).not.toBe('pangyo');
    expect(recovery).toMatchObject({
      lostMs: expect.any(Number),
      decidedMs: expect.any(Number),
      rtoMs: expect.any(Number),
    });
  }
  const training = jobs.find(({ name }) => name === 'train-moons');
  expect(training?.recovery?.from).toMatch(/^the checkpoint of epoch [1-9]/);
  for (const { attempts } of jobs)
    expect(attempts.every(({ why }) => why.objective !== 'unknown')).toBe(true);
}

function expectNothingLeft(folder: string): void {
  expect(readdirSync(folder)).toEqual([]);
  expect(processesOf(folder)).toEqual([]);
}

interface Running {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when either output holds `text`; rejects when it ends first. */
  says(text: string): Promise<void>;
}

function startDemo(folder: string, args: readonly string[]): Running {
  const { PATH = '', HOME = '/tmp' } = process.env;
  const child = spawn(NARU, ['demo', ...args], {
    env: { PATH, HOME, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    says: async (text) => {
      while (!(stdout + stderr).includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`it ended before it said ${text}: ${stdout}${stderr}`);
        await wait(50);
      }
    },
  };
}
