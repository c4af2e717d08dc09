import { readFileSync, writeFileSync } from 'node:fs';
import type { Finding } from './bench.ts';

const FILE = new URL('../RESULTS.md', import.meta.url);

/** Puts a finding into its place in RESULTS.md, between its two marks; what people wrote around them stays. */
export function keepFinding(name: string, { title, table, notes }: Finding, machine: string): void {
  const text = readFileSync(FILE, 'utf8');
  const [open, close] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
  const from = text.indexOf(open);
  const to = text.indexOf(close);
  if (from < 0 || to < from) throw new Error(`bench/RESULTS.md has no place for ${name}: ${open} … ${close}`);
  const body = `## ${title}\n\n${machine}\n\n${table}\n\n${notes.map((note) => `- ${note}`).join('\n')}`;
  writeFileSync(FILE, `${text.slice(0, from)}${open}\n\n${body}\n\n${text.slice(to)}`);
}
