import { parseArgs, type ParseArgsConfig } from 'node:util';

/** One word after `naru`. */
export interface Command {
  /** What `--help` prints. */
  readonly help: string;
  /** Resolves with the exit code. Throws StartError (1) or UsageError (2) for what takes one line to say. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** The options of a command that takes no other words. Throws UsageError. */
export function readOptions<const O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node adds advice about positional arguments after the first sentence; none are taken here.
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
}
