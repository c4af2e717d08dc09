import { join } from 'node:path';
import type { Deps } from '../deps.ts';
import { expireLeases } from '../flows/expire.ts';
import { healthPass } from '../flows/health.ts';
import { noteOnce } from '../flows/listen.ts';
import { placePass } from '../flows/place.ts';
import { preemptPass } from '../flows/preempt.ts';
import { promotePass } from '../flows/promote.ts';
import { sparePass } from '../flows/spares.ts';
import { syncAgent } from '../flows/sync.ts';
import { loadLiveWork, loadProviders } from '../store/load/sync.ts';
import { copyWorld, makePlayable, openScratch } from '../store/scratch.ts';
import type { Store } from '../store/store.ts';
import { PlayedClock, playedDeps } from './deps.ts';
import { Player } from './player.ts';

export interface Rehearsing {
  /** Names the folder of the scratch database. */
  readonly name: string;
  /** Providers that fall silent. */
  readonly down: readonly string[];
  /** Jobs to be watched: the rehearsal ends when each runs elsewhere or has waited for `patienceMs`. */
  readonly jobs: readonly string[];
  /** By provider, milliseconds from an order to running; absent: START_MS. */
  readonly startMs: ReadonlyMap<string, number>;
}

/** How it came out: the world after it, to be read like the real one, and then let go of. */
export interface Rehearsed {
  readonly store: Store;
  /** When the silence began, and how late it is in that world. */
  readonly faultAt: Date;
  readonly now: Date;
  close(): Promise<void>;
}

const STEP_MS = 250;
const SYNC_MS = 1_000;
const START_MS = 1_000;
/** Everybody is heard for a moment before the fault, so that it is the fault that is judged. */
const CALM_MS = 2_000;
/** Of played time. What still waits then, waits for capacity or for a rule. */
const PATIENCE_MS = 120_000;
const INSTANCE = 'rehearsal';

/**
 * The deterministic simulator of drills: the service's own flows on a copy of the present world, in a database of its own,
 * with a clock that is moved by hand and providers that are played. Some fall silent, and everything else is what would
 * happen: verdict, fence, lease, place, start. Nothing real is called or changed.
 *
 * @param real whose store is copied (read only)
 */
export async function rehearse(real: Deps, asked: Rehearsing): Promise<Rehearsed> {
  const dir = join(real.config.dataDir, 'rehearsals', asked.name);
  const scratch = await openScratch(dir, real.log);
  try {
    await copyWorld(real.store, scratch.store);
    await makePlayable(scratch.store, INSTANCE);
    const clock = new PlayedClock(real.clock.now());
    const deps = playedDeps(real, scratch.store, clock);
    const players = await cast(deps, asked.startMs);
    const faultAt = await play(deps, clock, players, asked);
    return { store: scratch.store, faultAt, now: clock.now(), close: scratch.close };
  } catch (error) {
    await scratch.close();
    throw error;
  }
}

/** Everybody who is heard, with what runs there. Who is down in the real world stays so. */
async function cast(deps: Deps, startMs: ReadonlyMap<string, number>): Promise<Player[]> {
  const players = (await loadProviders(deps.store.db)).flatMap(({ name, health }) =>
    health === 'down' || health === 'unknown'
      ? []
      : [new Player(name, INSTANCE, startMs.get(name) ?? START_MS)],
  );
  const byName = new Map(players.map((player) => [player.provider, player]));
  for (const { id, provider, startedAt, role, serves } of await loadLiveWork(deps.store.db))
    if (startedAt !== null) byName.get(provider)?.found(id, startedAt.getTime(), role === 'standby', serves);
  return players;
}

/** @returns when those who fall silent did */
async function play(
  deps: Deps,
  clock: PlayedClock,
  players: readonly Player[],
  { down, jobs }: Rehearsing,
): Promise<Date> {
  let faultAt: Date | null = null;
  for (let ms = 0; ms < CALM_MS + PATIENCE_MS; ms += STEP_MS) {
    if (ms === CALM_MS) faultAt = clock.now();
    await noteOnce(deps);
    const speaking = players.filter(({ provider }) => faultAt === null || !down.includes(provider));
    if (ms % SYNC_MS === 0) for (const player of speaking) await converse(deps, player);
    await sweep(deps, ms);
    clock.advance(STEP_MS);
    if (faultAt !== null && (await isOver(deps, jobs, down))) break;
  }
  return faultAt ?? clock.now();
}

async function converse(deps: Deps, player: Player): Promise<void> {
  const nowMs = () => deps.clock.now().getTime();
  const answer = await syncAgent(deps, player.provider, player.says(nowMs()), new AbortController().signal);
  player.obeys(answer, nowMs());
}

/** As the engine's sweep does it, in its order. */
async function sweep(deps: Deps, ms: number): Promise<void> {
  await healthPass(deps);
  const released = await expireLeases(deps);
  if (released === 0 && ms % SYNC_MS !== 0) return;
  await promotePass(deps);
  await placePass(deps, ms % (5 * SYNC_MS) === 0);
  await preemptPass(deps);
  await sparePass(deps);
}

/** Does each of them run, and not where it was lost? (One whose mode is none has failed.) */
async function isOver(deps: Deps, jobs: readonly string[], down: readonly string[]): Promise<boolean> {
  const live = await loadLiveWork(deps.store.db);
  const left = live.filter(({ provider, role }) => down.includes(provider) && role === 'run');
  const run = new Map(live.flatMap((one) => (one.role === 'run' ? [[one.jobId, one] as const] : [])));
  const away = jobs.every((id) => {
    const one = run.get(id);
    return one !== undefined && one.startedAt !== null && !down.includes(one.provider);
  });
  return away && left.length === 0;
}
