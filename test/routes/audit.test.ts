import { sql } from 'drizzle-orm';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/core/access.ts';
import { appendAudit } from '../../src/store/apply/audit.ts';
import { openDoor, type Door } from './door.ts';

let door: Door | null = null;
beforeEach(async () => {
  await door?.close();
  door = await openDoor();
});
afterAll(() => door?.close());

const run = (statement: string) => open().deps.store.db.execute(sql.raw(statement));
const open = (): Door => door as Door;
const entry = (n: number, data: Record<string, unknown> = { n }) => ({
  actor: SYSTEM,
  action: 'test',
  target: `thing-${n}`,
  requestId: null,
  data,
});
const append = (n: number, size = 1) =>
  open().deps.store.transaction((tx) =>
    appendAudit(
      tx,
      new Date(),
      Array.from({ length: size }, (_, index) => entry(n + index)),
    ),
  );
const verdict = async () =>
  (await open().get('/v1/audit/verify').expect(200)).body as {
    ok: boolean;
    checked: number;
    brokenAt: number | null;
    problem: string | null;
  };

describe('the chain', () => {
  it('is whole after writers that wrote at once, in one unbroken count', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, n) => append(n * 100, 1 + (n % 7))));
    const { rows } = await run('select count(*)::int as n, max(seq)::int as last from audit');
    expect(rows[0]?.['n']).toBe(rows[0]?.['last']);
    expect(await verdict()).toMatchObject({ ok: true, checked: rows[0]?.['n'] });
  });

  it('takes several thousand entries at once', async () => {
    await append(0, 2_500);
    expect(await verdict()).toMatchObject({ ok: true, checked: 2_501 });
  });

  it('takes whatever data there is: what PostgreSQL cannot hold is replaced before it is hashed', async () => {
    const data = {
      nul: 'a\u0000b',
      half: '\ud800',
      big: 10n ** 30n,
      when: new Date(0),
      gone: undefined,
      tiny: 1e-7,
      huge: 1e21,
      minus: -0,
      deep: [{ b: 1, a: [null] }],
    };
    await open().deps.store.transaction((tx) => appendAudit(tx, new Date(), [entry(1, data)]));
    expect(await verdict()).toMatchObject({ ok: true });
    const { body } = await open().get('/v1/audit?action=test').expect(200);
    expect(body.items[0].data).toMatchObject({
      nul: 'a\ufffdb',
      half: '\ufffd',
      big: (10n ** 30n).toString(),
    });
  });

  it('is not touched by a transaction that is rolled back', async () => {
    const failing = open().deps.store.transaction(async (tx) => {
      await appendAudit(tx, new Date(), [entry(1)]);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await append(2);
    expect(await verdict()).toMatchObject({ ok: true, checked: 2 });
  });
});

describe('tampering is found', () => {
  beforeEach(() => append(0, 10));
  it.each([
    ['a changed action', "update audit set action = 'nothing' where seq = 5", 5, 'changed'],
    ['changed data', `update audit set data = '{"n": 1000}' where seq = 6`, 6, 'changed'],
    ['a changed time', "update audit set at = at + interval '1 second' where seq = 7", 7, 'changed'],
    ['a changed hash', `update audit set hash = repeat('a', 64) where seq = 5`, 5, 'changed'],
    ['a record taken out', 'delete from audit where seq = 4', 4, 'missing'],
    [
      'a record taken out, the rest moved up',
      'delete from audit where seq = 4; update audit set seq = seq - 1 where seq > 4',
      4,
      'unlinked',
    ],
    ['the end cut off', 'delete from audit where seq > 8', 9, 'truncated'],
    ['everything cut off', 'delete from audit', 1, 'truncated'],
    [
      'the end cut off and the head put back',
      `delete from audit where seq = 11; update engine_facts set value = jsonb_set(value, '{seq}', '10') where name = 'audit-head'`,
      10,
      'changed',
    ],
    [
      'only the head put back',
      `update engine_facts set value = jsonb_build_object('seq', 10, 'hash', (select hash from audit where seq = 10)) where name = 'audit-head'`,
      11,
      'unlinked',
    ],
  ])('%s', async (_, statement, brokenAt, problem) => {
    for (const one of statement.split(';')) await run(one);
    expect(await verdict()).toMatchObject({ ok: false, brokenAt, problem });
  });
});
