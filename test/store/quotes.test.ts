import { beforeEach, expect, test } from 'vitest';
import { dropOldQuotes, insertQuote } from '../../src/store/apply/quotes.ts';
import { findQuote, type QuoteRow } from '../../src/store/read/quotes.ts';
import { quotes } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { askOf, hashAsk } from '../../src/core/quote.ts';
import { marketOf, stateOf } from '../../src/core/placement/decide.ts';
import { jobToQuote, quoteFor } from '../../src/core/placement/quote.ts';
import { offerOf, providerOf, specOf, worldOf } from '../core/placement-world.ts';
import { onGround } from './ground.ts';
import { NOW } from './rows.ts';

let store: Store;
onGround(3, (opened) => {
  store = opened;
});
beforeEach(() => store.db.delete(quotes));

const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
const insert = (row: QuoteRow) => store.transaction((tx) => insertQuote(tx, row));

function quoteRow(id: string, expiresAt: Date): QuoteRow {
  const spec = { ...specOf(), project: 'kogpt' };
  const world = worldOf({ providers: [providerOf('pangyo')], offers: [offerOf('pangyo', 'h100')] });
  const { prices, ...body } = quoteFor(marketOf(world), stateOf(world), jobToQuote(spec, 'nia', NOW));
  if (prices === null) throw new Error('the offer is free');
  return {
    id,
    organization: 'nia',
    project: 'kogpt',
    createdBy: 'key-test',
    createdAt: NOW,
    expiresAt,
    askHash: hashAsk(body.ask),
    held: { id, expiresAt: expiresAt.toISOString(), ...prices },
    body,
  };
}

test('a quote is read as it was written, and what it is for has the same hash by then', async () => {
  const row = quoteRow('quo-1', after(900));
  await insert(row);
  const read = await findQuote(store.db, 'quo-1');
  expect(read).toEqual(row);
  expect(hashAsk(read?.body.ask ?? askOf(specOf(), ''))).toBe(row.askHash);
  expect(await findQuote(store.db, 'quo-2')).toBeNull();
});

test('a quote of nothing holds nothing', async () => {
  await insert({ ...quoteRow('quo-1', after(900)), held: null });
  expect((await findQuote(store.db, 'quo-1'))?.held).toBeNull();
});

test('old ones are forgotten, the oldest first, at most so many at once', async () => {
  for (const n of [3, 1, 2, 9]) await insert(quoteRow(`quo-${n}`, after(n)));
  expect(await dropOldQuotes(store, after(9), 2)).toBe(2);
  const left = async () => (await store.db.select({ id: quotes.id }).from(quotes)).map(({ id }) => id).sort();
  expect(await left()).toEqual(['quo-3', 'quo-9']);
  expect(await dropOldQuotes(store, after(9))).toBe(1);
  expect(await left()).toEqual(['quo-9']);
});
