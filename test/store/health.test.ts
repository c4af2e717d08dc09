import { eq } from 'drizzle-orm';
import { beforeEach, expect, test } from 'vitest';
import { DEFAULT_TIMING } from '../../src/core/timing.ts';
import type { Deps } from '../../src/deps.ts';
import { expireLeases } from '../../src/flows/expire.ts';
import {
  applyVerdict,
  noteListening,
  readListening,
  takeTurn,
  type VerdictWrite,
} from '../../src/store/apply/health.ts';
import { allocations, jobs, offers, providerHealth, providers } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { touchProvider } from '../../src/store/load/sync.ts';
import { onGround } from './ground.ts';
import { allocationRow, jobRow, NOW, TERMS } from './rows.ts';

const after = (ms: number) => new Date(NOW.getTime() + ms);

let store: Store;
onGround(4, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.delete(providerHealth);
  await store.db.update(providers).set({ health: 'healthy', healthSince: NOW, lastContactAt: NOW });
});

const verdict = (more: Partial<VerdictWrite> = {}): VerdictWrite => ({
  provider: 'pangyo',
  from: 'healthy',
  to: 'down',
  reason: 'silent for 5.0 s',
  lastContactAt: NOW,
  ...more,
});
const apply = (now: Date, write: VerdictWrite) => store.transaction((tx) => applyVerdict(tx, now, write));
const health = async () => (await store.db.select().from(providers))[0]?.health;

test('a verdict is written once, with its reason', async () => {
  expect(await apply(after(5_000), verdict())).toBe(true);
  expect(await apply(after(5_000), verdict())).toBe(false);
  expect(await health()).toBe('down');
  expect(await store.db.select().from(providerHealth)).toMatchObject([
    { state: 'down', reason: 'silent for 5.0 s' },
  ]);
});

test('a provider that was heard after it was judged is not given up', async () => {
  await store.db.update(providers).set({ lastContactAt: after(4_900) });
  expect(await apply(after(5_000), verdict())).toBe(false);
  expect(await health()).toBe('healthy');
  expect(await store.db.select().from(providerHealth)).toEqual([]);
});

test('one that was never heard is judged as such', async () => {
  await store.db.update(providers).set({ lastContactAt: null });
  expect(await apply(NOW, verdict())).toBe(false);
  expect(await apply(NOW, verdict({ lastContactAt: null }))).toBe(true);
});

test('listening is counted from the last gap, and never backwards', async () => {
  const note = (ms: number) => store.transaction((tx) => noteListening(tx, after(ms), 1_500));
  const read = () => store.transaction((tx) => readListening(tx));
  for (const ms of [0, 500, 1_900, 1_000]) await note(ms);
  expect(await read()).toEqual({ since: NOW, at: after(1_900) });
  await note(3_401);
  expect(await read()).toEqual({ since: after(3_401), at: after(3_401) });
});

test('of an agent’s requests only a newer one is believed, and of two agents the one that is heard', async () => {
  await store.db.update(providers).set({ lastContactAt: null, contactSince: null });
  const hear = (ms: number, instanceId: string, sequence: number) =>
    store.transaction(async (tx) => {
      const contact = {
        provider: 'pangyo',
        instanceId,
        sequence,
        agentVersion: '1',
        inventory: null,
        gapMs: 2_500,
        claimMs: 6_500,
      };
      return (await touchProvider(tx, after(ms), contact)) !== null;
    });
  expect(await hear(0, 'first', 10)).toBe(true);
  expect(await hear(1_000, 'first', 12)).toBe(true);
  expect(await hear(1_100, 'first', 11)).toBe(false);
  expect(await hear(1_100, 'first', 12)).toBe(false);
  expect(await hear(7_500, 'second', 1)).toBe(false);
  expect(await hear(7_501, 'second', 1)).toBe(true);
  expect(await hear(7_600, 'first', 13)).toBe(false);
  const [row] = await store.db.select().from(providers);
  expect(row).toMatchObject({
    agentInstance: 'second',
    lastContactAt: after(7_501),
    contactSince: after(7_501),
  });
});

test('a turn is one replica’s until it lets it lapse', async () => {
  const take = (ms: number, holder: string) =>
    store.transaction((tx) => takeTurn(tx, after(ms), 'sweep', holder, 1_500));
  expect(await take(0, 'a')).toBe(true);
  expect(await take(1_000, 'b')).toBe(false);
  expect(await take(1_000, 'a')).toBe(true);
  expect(await take(2_400, 'b')).toBe(false);
  expect(await take(2_600, 'b')).toBe(true);
  expect(await take(2_700, 'a')).toBe(false);
});

test('a lease that is over is believed so only after the margin', async () => {
  const leaseUntil = after(6_000);
  const { leaseMarginMs } = DEFAULT_TIMING;
  await store.db.insert(jobs).values(jobRow('job-1'));
  await store.db
    .insert(allocations)
    .values(allocationRow('alc-1', 'job-1', 1, { state: 'releasing', releasingAt: NOW, leaseUntil }));
  await store.db.update(jobs).set({ currentAllocationId: 'alc-1' });
  await store.db.update(offers).set({ used: 1 });
  const expireAt = (ms: number) =>
    expireLeases({
      store,
      timing: DEFAULT_TIMING,
      terms: TERMS,
      clock: { now: () => after(ms) },
      bell: { ring: () => {} },
    } as unknown as Deps);
  expect(await expireAt(6_000 + leaseMarginMs)).toBe(0);
  expect(await expireAt(6_000 + leaseMarginMs + 1)).toBe(1);
  const [released] = await store.db.select().from(allocations).where(eq(allocations.id, 'alc-1'));
  expect(released).toMatchObject({ state: 'released', outcome: 'lease-expired' });
});
