import {
  addService,
  openService,
  openVendors,
  prologue,
  startWatching,
  submitAll,
  type Stage,
} from './acts.ts';
import { comeBack, finish, recover, strike } from './loss.ts';
import { collect, type Outcome } from './outcome.ts';
import { openHome, tail, type Home } from './processes.ts';
import { reportOf } from './report.ts';
import { createScreen, type Screen } from './screen.ts';
import { stopWorld } from './world.ts';

export interface DemoOptions {
  /** Prints the outcome as JSON on standard output, and the story on standard error. */
  readonly json: boolean;
}

/** Longer than ever needed: a demo that hangs has failed. */
const GIVE_UP_MS = 150_000;

/**
 * The main job, for real, in about a minute: see story.ts for what happens. Resolves with the exit code: 0 only if
 * every job ended right and none ran to its end twice. Whatever happens, nothing is left running and nothing behind.
 */
export async function runDemo(
  options: DemoOptions = { json: process.env['DEMO_JSON'] === '1' },
): Promise<number> {
  const from = performance.now();
  const out = options.json ? process.stderr : process.stdout;
  const colours = out.isTTY && !process.env['NO_COLOR'];
  const screen = createScreen(out, colours, () => performance.now() - from);
  const interrupt = interruptible();
  const home = await openHome();
  let outcome: Outcome | null = null;
  let failure: unknown = null;
  try {
    const stage: Stage = { home, screen, signal: interrupt.signal, ledgerFile: home.path('ledger') };
    outcome = await Promise.race([play(stage, from), interrupt.aborted]);
  } catch (error) {
    failure = error;
    tellFailure(screen, home, error);
  }
  const left = await clear(home);
  interrupt.forget();
  if (outcome !== null) outcome = withLeft(outcome, left);
  else if (left !== null) screen.say(screen.paint.red(left));
  if (outcome !== null) screen.plain(reportOf(outcome, screen.paint));
  if (options.json)
    process.stdout.write(
      `${JSON.stringify(outcome ?? { ok: false, failure: messageOf(failure) }, null, 2)}\n`,
    );
  return interrupt.code ?? (outcome?.ok === true ? 0 : 1);
}

async function play(stage: Stage, from: number): Promise<Outcome> {
  prologue(stage);
  const world = await openService(stage);
  await openVendors(stage, world);
  const watch = startWatching(stage, world);
  try {
    const training = await submitAll(stage, world, watch);
    await addService(stage, world, watch, training);
    const blow = await strike(stage, world, watch);
    await recover(stage, watch, blow);
    await comeBack(stage, world, blow);
    await finish(stage, world, watch);
    const outcome = await collect(world.api, watch.picture(), blow, performance.now() - from);
    await watch.stop();
    stage.screen.end();
    stage.screen.say('everything is stopped, and its folder goes');
    await stopWorld(world);
    return { ...outcome, tookMs: Math.round(performance.now() - from) };
  } finally {
    await watch.stop();
  }
}

/** Ends and removes what is left, and looks again. Resolves with what could not be cleared, null: nothing is left. */
async function clear(home: Home): Promise<string | null> {
  try {
    await home.clear();
    return null;
  } catch (error) {
    return `could not clear up: ${messageOf(error)}`;
  }
}

function withLeft(outcome: Outcome, left: string | null): Outcome {
  return left === null ? outcome : { ...outcome, ok: false, objections: [...outcome.objections, left] };
}

function tellFailure(screen: Screen, home: Home, error: unknown): void {
  screen.end();
  screen.say(screen.paint.red(`The demo stops: ${messageOf(error)}`));
  if (error instanceof Interrupted) return;
  for (const name of ['service', 'pangyo', 'gwangju', 'daegu']) {
    const lines = tail(home.path('logs', `${name}.log`), 4);
    if (lines !== '') screen.plain([screen.paint.dim(`${name}: ${lines}`)]);
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

class Interrupted extends Error {}

/** SIGINT, SIGTERM, SIGHUP and the time limit end the story wherever it is; the clearing up still happens. */
function interruptible() {
  const controller = new AbortController();
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  let code: number | null = null;
  const on = (signal: NodeJS.Signals) => {
    code ??= codes[signal as keyof typeof codes] ?? 1;
    controller.abort(new Interrupted(`interrupted by ${signal}, clearing up`));
  };
  for (const signal of Object.keys(codes)) process.on(signal, on);
  const aborted = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error));
  });
  aborted.catch(() => {});
  // Whoever read along has gone (`naru demo | head`): nobody is left to play for.
  for (const out of [process.stdout, process.stderr]) out.on('error', () => on('SIGHUP'));
  const limit = setTimeout(() => controller.abort(new Error('it took too long')), GIVE_UP_MS);
  return {
    signal: controller.signal,
    /** Rejects as soon as that happens: whatever the story waits for then is no longer waited for. */
    aborted,
    get code() {
      return code;
    },
    forget: () => {
      clearTimeout(limit);
      for (const signal of Object.keys(codes)) process.off(signal, on);
    },
  };
}
