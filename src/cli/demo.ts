import { readOptions, type Command } from './command.ts';

export const command: Command = {
  help: `naru demo: shows the whole idea with real processes on this machine, in about a minute.

Starts a service with its embedded database and three vendors' agents, submits a training job, a service job and
some others, kills the agent that carries the most, and shows where everything went on, how fast, and what it cost.
Leaves nothing running and nothing behind. Exit code 0: every job ended right, and none ran to its end twice.

  --json   the outcome as JSON on standard output, the story on standard error (DEMO_JSON=1)`,
  async run(args) {
    const { json } = readOptions(args, { json: { type: 'boolean' } });
    const { runDemo } = await import('../../demo/demo.ts');
    return json === true ? runDemo({ json }) : runDemo();
  },
};
