import { sql } from 'drizzle-orm';
import { beforeEach, expect, test } from 'vitest';
import { keepInput, keepParts, type MarketPart } from '../../src/store/apply/inputs.ts';
import { findDecision, findInput, findParts } from '../../src/store/read/inputs.ts';
import { decisions, marketParts } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { onGround } from './ground.ts';
import { NOW } from './rows.ts';

let store: Store;
onGround(8, (opened) => {
  store = opened;
});
beforeEach(async () => {
  await store.db.execute(sql`truncate market_parts, decision_inputs, decisions cascade`);
});

const part = (hash: string, text = hash): MarketPart => ({ hash, body: Buffer.from(text) });
const keep = (...parts: MarketPart[]) => store.transaction((tx) => keepParts(tx, NOW, parts));

test('a part is kept once, byte for byte, whoever brings it again', async () => {
  const bytes = Buffer.from([0, 255, 92, 39, 10, 128]);
  await keep({ hash: 'b', body: bytes }, part('a'), part('a'));
  await keep(part('b', 'something else'), part('c'));
  await keep();
  expect(await findParts(store.db, ['a', 'b', 'c', 'd'])).toEqual(
    new Map([
      ['a', Buffer.from('a')],
      ['b', bytes],
      ['c', Buffer.from('c')],
    ]),
  );
  expect(await findParts(store.db, [])).toEqual(new Map());
});

test('many that keep the same parts at once, in any order, neither fail nor deadlock', async () => {
  const hashes = Array.from({ length: 40 }, (_, n) => `part-${n}`);
  const orders = Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? hashes : hashes.toReversed()));
  // Not Store.transaction, which would begin a deadlocked one anew.
  await Promise.all(
    orders.map((order) =>
      store.db.transaction((tx) =>
        keepParts(
          tx,
          NOW,
          order.map((hash) => part(hash)),
        ),
      ),
    ),
  );
  expect(await store.db.$count(marketParts)).toBe(40);
});

test('an input and a decision are found by name', async () => {
  const input = { id: 'inp-1', at: NOW, engine: 'naru/1', body: Buffer.from([31, 139, 0]) };
  await store.transaction((tx) => keepInput(tx, input));
  await store.db
    .insert(decisions)
    .values({ id: 'dec-1', jobId: 'job-1', at: NOW, body: {}, inputId: 'inp-1' });
  expect(await findInput(store.db, 'inp-1')).toEqual(input);
  expect(await findDecision(store.db, 'dec-1')).toMatchObject({ jobId: 'job-1', inputId: 'inp-1' });
  expect([await findInput(store.db, 'inp-2'), await findDecision(store.db, 'dec-2')]).toEqual([null, null]);
});
