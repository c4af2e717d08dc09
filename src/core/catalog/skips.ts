import type { SkippedLine } from './types.ts';

/** So many lines are named one by one for one kind of reason; the rest become one entry. */
export const SKIPPED_PER_REASON = 20;

/** Collects what was skipped without growing with the file: one public catalog has 30,000 rows of CPU machines. */
export interface Skips {
  /** `kind` groups; `reason` is what this line's entry says. */
  add(kind: string, line: number, reason?: string): void;
  readonly rows: number;
  list(): SkippedLine[];
}

export function collectSkips(): Skips {
  const kinds = new Map<string, { named: SkippedLine[]; more: { line: number; rows: number } }>();
  let rows = 0;
  return {
    add(kind, line, reason = kind) {
      rows += 1;
      const known = kinds.get(kind) ?? { named: [], more: { line, rows: 0 } };
      kinds.set(kind, known);
      if (known.named.length < SKIPPED_PER_REASON) known.named.push({ line, reason });
      else {
        if (known.more.rows === 0) known.more.line = line;
        known.more.rows += 1;
      }
    },
    get rows() {
      return rows;
    },
    list() {
      const entries = [...kinds].flatMap(([kind, { named, more }]) =>
        more.rows === 0 ? named : [...named, { line: more.line, reason: summary(kind, more.rows) }],
      );
      return entries.sort((a, b) => a.line - b.line);
    },
  };
}

/** The entry stands for `rows` rows, the one at its line among them. */
function summary(kind: string, rows: number): string {
  return rows === 1 ? kind : `${kind} (and ${rows - 1} more rows)`;
}
