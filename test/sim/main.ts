import { parseArgs } from 'node:util';
import { openGround, withFreshDatabase } from './database.ts';
import { World, type SimResult } from './world.ts';

const HELP = `npm run sim -- [--seed N | --seeds A..B] [--steps M] [--verbose]

Runs the real flows over a simulated outside. A seed gives the same trace every time.
  --seed N      one seed (default 1)
  --seeds A..B  a soak (or A,B,C); prints a line per seed
  --steps M     steps of the storm (default 2500)
  --first       end a soak with the first seed that fails
  --brief       no trace
  --verbose     the whole trace; without it, the end of a failing one`;

const TAIL = 60;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      steps: { type: 'string' },
      verbose: { type: 'boolean' },
      brief: { type: 'boolean' },
      first: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(HELP);
  const seeds = readSeeds(values.seeds ?? values.seed ?? '1');
  const steps = Number(values.steps ?? 2_500);
  const { ground, close } = await openGround();
  let failed = 0;
  try {
    for (const seed of seeds) {
      const print = values.verbose ? (line: string) => console.log(line) : null;
      const began = performance.now();
      const result = await withFreshDatabase(ground, (url) => World.run(url, { seed, steps, print }));
      tell(result, performance.now() - began, values.verbose || values.brief ? 0 : TAIL);
      if (result.violations.length > 0) failed += 1;
      if (failed > 0 && values.first) break;
    }
  } finally {
    await close();
  }
  if (failed > 0) process.exitCode = 1;
}

function readSeeds(text: string): number[] {
  const [from = 1, to] = text.split('..').map(Number);
  if (to === undefined) return text.split(',').map(Number);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function tell(result: SimResult, ms: number, tail: number): void {
  const { seed, steps, virtualSeconds, hash, counts, violations } = result;
  const ok = violations.length === 0 ? 'ok' : 'FAILED';
  const numbers = Object.entries(counts)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');
  if (violations.length > 0 && tail > 0) for (const line of result.trace.slice(-tail)) console.log(line);
  console.log(
    `seed ${seed} ${ok} ${hash}: ${steps} steps, ${virtualSeconds} virtual s in ${(ms / 1000).toFixed(1)} s (${numbers})`,
  );
  for (const violation of violations) console.log(`  ${violation}`);
}

await main();
