import {
  addService,
  comeBack,
  finish,
  openService,
  openVendors,
  prologue,
  recover,
  startWatching,
  strike,
  submitAll,
  type Stage,
} from './acts.ts';
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
  const colours = out.isTTY === true && !process.env['NO_COLOR'];
  const screen = createScreen(out, colours, () => performance.now() - from);
  const interrupt = interruptible();
  const home = await openHome();
  let outcome: Outcome | null = null;
  let failure: unknown = null;
  try {
    const stage: Stage = { home, screen, signal: interrupt.signal, ledgerFile: home.path('ledger') };
    outcome = await Promise.race([play(stage, from), interrupt.aborted]);
    screen.end();
    screen.plain(reportOf(outcome, screen.paint));
  } catch (error) {
    failure = error;
    screen.end();
    if (interrupt.code === null) tellFailure(screen, home, error);
  }
  const cleared = await clear(home, screen);
  interrupt.forget();
  if (options.json)
    process.stdout.write(`${JSON.stringify(outcome ?? { ok: false, failure: String(failure) }, null, 2)}\n`);
  if (interrupt.code !== null) return interrupt.code;
  return outcome?.ok === true && cleared ? 0 : 1;
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
    await stopWorld(world);
    return { ...outcome, tookMs: Math.round(performance.now() - from) };
  } finally {
    await watch.stop();
  }
}

/** Ends and removes what is left, and looks again: that nothing stays is a promise as well. */
async function clear(home: Home, screen: Screen): Promise<boolean> {
  try {
    await home.clear();
    return true;
  } catch (error) {
    screen.say(
      screen.paint.red(`could not clear up: ${error instanceof Error ? error.message : String(error)}`),
    );
    return false;
  }
}

function tellFailure(screen: Screen, home: Home, error: unknown): void {
  screen.say(screen.paint.red(`The demo failed: ${error instanceof Error ? error.message : String(error)}`));
  for (const name of ['service', 'pangyo', 'gwangju', 'daegu']) {
    const lines = tail(home.path('logs', `${name}.log`), 4);
    if (lines !== '') screen.plain([screen.paint.dim(`${name}: ${lines}`)]);
  }
}

/** SIGINT, SIGTERM, SIGHUP and the time limit end the story wherever it is; the clearing up still happens. */
function interruptible() {
  const controller = new AbortController();
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  let code: number | null = null;
  const on = (signal: NodeJS.Signals) => {
    code ??= codes[signal as keyof typeof codes] ?? 1;
    controller.abort(new Error(`interrupted by ${signal}`));
  };
  for (const signal of Object.keys(codes)) process.on(signal, on);
  const aborted = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
  });
  aborted.catch(() => {});
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
