import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openGround, type Ground } from './database.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Some holes are narrow: a pause has to fall between two particular steps. */
export const LONG_STORM = 2_000;
/** What a seed's world is made of. */
const COPIED = [
  'src',
  'brokers',
  'routes',
  'migrations',
  'test/sim',
  'test/harness',
  'package.json',
  'tsconfig.json',
];
/** Tried after the mutant's own: two of each weather. */
const MORE = Array.from({ length: 16 }, (_, index) => index + 1);

export interface Verdict {
  readonly mutant: string;
  /** The first seed that found it; null: it went through the net. */
  readonly foundBy: number | null;
  /** What the seed said. */
  readonly said: string;
}

/** Applies one mutant to a copy of the program and runs seeds there until one fails. Throws where an edit does not fit. */
export async function tryMutant(
  mutant: Mutant,
  ground: Ground,
  steps: number,
  seeds = [...mutant.seeds, ...MORE],
): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'naru-mutant-'));
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const edit of mutant.edits) apply(folder, mutant.name, edit);
    const { code, output } = await runSeeds(folder, ground, seeds, steps);
    if (code === 0) return { mutant: mutant.name, foundBy: null, said: '' };
    const found = /^seed (\d+) FAILED.*\n((?: {2}.*\n?)+)/m.exec(output);
    if (found === null) throw new Error(`${mutant.name}: the simulator itself failed: ${output}`);
    return { mutant: mutant.name, foundBy: Number(found[1]), said: found[2] ?? '' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function apply(folder: string, name: string, { file, find, replace }: Mutant['edits'][number]): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${name}: ${file} has ${parts.length - 1} places like: ${find}`);
  writeFileSync(path, parts.join(replace));
}

function runSeeds(
  folder: string,
  ground: Ground,
  seeds: readonly number[],
  steps: number,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(
    process.execPath,
    ['test/sim/main.ts', '--seeds', seeds.join(','), '--steps', String(steps), '--brief', '--first'],
    {
      cwd: folder,
      env: { ...process.env, SIM_DATABASE_URL: ground.url, SIM_TEMPLATE: ground.template },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, steps: { type: 'string' } } });
  const chosen = MUTANTS.filter(
    ({ name }) => values.only === undefined || values.only.split(',').includes(name),
  );
  const { ground, close } = await openGround();
  let survived = 0;
  try {
    for (const mutant of chosen) {
      const verdict = await tryMutant(mutant, ground, Number(values.steps ?? LONG_STORM)).catch(
        (error: unknown) => ({
          mutant: mutant.name,
          foundBy: null,
          said: String(error),
        }),
      );
      if (verdict.foundBy === null) survived += 1;
      const outcome = verdict.foundBy === null ? 'SURVIVED' : `found by seed ${verdict.foundBy}`;
      console.log(`${mutant.name}: ${outcome}\n${verdict.said.split('\n')[0] ?? ''}`);
    }
  } finally {
    await close();
  }
  console.log(`${chosen.length - survived} of ${chosen.length} mutants found`);
  if (survived > 0) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await main();
