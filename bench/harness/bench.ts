import type { BenchDatabase } from './database.ts';

/** What a benchmark is given. */
export interface Bench {
  readonly database: BenchDatabase;
  /** Of this run; removed at its end. */
  readonly folder: string;
  /** Smaller numbers, to see whether it works: never for keeping. */
  readonly quick: boolean;
  /** Progress, for whoever watches. */
  say(line: string): void;
}

/** What one has found, as Markdown: a table, and what has to be known to read it. */
export interface Finding {
  readonly title: string;
  readonly table: string;
  readonly notes: readonly string[];
}

export type Benchmark = (bench: Bench) => Promise<Finding>;
