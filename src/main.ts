// First: what is loaded after this is loaded the lean way.
import './lean.ts';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { UsageError, type Command } from './cli/command.ts';
import { version } from './cli/version.ts';
import { StartError } from './core/start-error.ts';

/** Loaded when asked for: `naru --help` must not wait for a web framework. */
const COMMANDS: Readonly<Record<string, { about: string; load: () => Promise<{ command: Command }> }>> = {
  serve: { about: 'run the service', load: () => import('./cli/serve.ts') },
  agent: {
    about: 'run beside the GPUs of a vendor, and do what the service orders',
    load: () => import('./cli/agent.ts'),
  },
  migrate: { about: 'bring the database to what this program needs', load: () => import('./cli/migrate.ts') },
  demo: { about: 'see the whole idea happen on this machine', load: () => import('./cli/demo.ts') },
  key: {
    about: 'make a key in the database, for an operator who is locked out',
    load: () => import('./cli/key.ts'),
  },
  'verify-drill': {
    about: 'say whether the report of a drill is what was signed',
    load: () => import('./cli/verify-drill.ts'),
  },
};

const HELP = `naru: a multi-cloud GPU broker

${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  naru ${name.padEnd(14)}${about}`)
  .join('\n')}

\`naru COMMAND --help\` tells more; \`naru --version\` says which version this is.`;

/** Resolves with the exit code. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--version') return say(version());
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    if (name === undefined) throw new UsageError(`a command is needed\n\n${HELP}`);
    return say(HELP);
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined)
    throw new UsageError(`there is no command ${JSON.stringify(name)}; see naru --help`);
  const { command } = await entry.load();
  return args.includes('--help') || args.includes('-h') ? say(command.help) : command.run(args);
}

function say(text: string): number {
  console.log(text);
  return 0;
}

/** One line for what was foreseen, everything for what was not. */
function report(error: unknown): number {
  const foreseen = error instanceof StartError || error instanceof UsageError;
  console.error(foreseen ? `naru: ${error.message}` : error);
  return error instanceof UsageError ? 2 : 1;
}

/** Under bin/naru on an old Node: that one stands for us towards the outside, and when it dies we end too. */
function endWithLauncher(): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}

endWithLauncher();
// A fifth of the time that a start takes. Where it cannot be written, nothing happens.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/naru'));
process.exitCode = await main(process.argv.slice(2)).catch(report);
// Whatever is still open after the command has ended was given up by it.
setTimeout(() => process.exit(), 1_000).unref();
