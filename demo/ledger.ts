import { readFileSync } from 'node:fs';

/** One line that a job wrote about itself (note.ts). */
export interface Line {
  readonly atMs: number;
  readonly what: 'start' | 'epoch' | 'end' | 'stopped';
  readonly name: string;
  readonly job: string;
  readonly allocation: string;
  readonly attempt: number;
  readonly epoch?: number;
  readonly loss?: number;
  readonly accuracy?: number;
  readonly digest?: string;
}

/** All lines so far, oldest first. A last one that is not complete yet is left for the next look. */
export function readLedger(file: string): Line[] {
  return parseLedger(textOf(file));
}

export function parseLedger(text: string): Line[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** What the ledger says against the claim that no job ran to its end twice; empty: it holds. */
export function objections(
  lines: readonly Line[],
  expected: readonly { name: string; end: 'end' | 'stopped' }[],
): string[] {
  const found: string[] = [];
  for (const { name, end } of expected) {
    const own = lines.filter((line) => line.name === name);
    const ends = own.filter((line) => line.what === 'end' || line.what === 'stopped');
    const right = ends.filter((line) => line.what === end);
    if (right.length !== 1 || ends.length !== 1)
      found.push(`${name} came to its end ${ends.length} times, not once`);
    if (new Set(own.map((line) => line.job)).size > 1) found.push(`${name} ran as more than one job`);
    if (ends[0] && own.some((line) => line.what === 'start' && line.atMs > (ends[0]?.atMs ?? 0)))
      found.push(`${name} was started again after its end`);
    found.push(...overlaps(own));
  }
  return found;
}

/** Two attempts of one job must never be at work at the same time, whatever the service believes. */
function overlaps(own: readonly Line[]): string[] {
  const found: string[] = [];
  const starts = own.filter((line) => line.what === 'start');
  for (const start of starts) {
    const stray = own.find((line) => line.atMs > start.atMs && line.attempt < start.attempt);
    if (stray)
      found.push(
        `${start.name}: attempt ${stray.attempt} still worked after attempt ${start.attempt} had started`,
      );
  }
  return found;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
