import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overdrawn } from '../../src/core/ledger/budget.ts';
import { correctedParts, lackingPayers, type Payer } from '../../src/core/ledger/correction.ts';

const payers = fc
  .array(
    fc.record({
      budgetId: fc.constantFrom('a', 'b', null),
      paidMicros: fc.bigInt({ min: 0n, max: 100n }),
      others: fc.bigInt({ min: 0n, max: 50n }),
      left: fc.bigInt({ min: 0n, max: 100n }),
      disasterMicros: fc.bigInt({ min: 0n, max: 60n }),
    }),
    { maxLength: 8 },
  )
  .map((all) =>
    all.map(({ others, left, paidMicros, ...rest }, at): Payer => {
      const chargedMicros = paidMicros + others;
      const allottedMicros = chargedMicros + left + rest.disasterMicros;
      return {
        ...rest,
        id: `acc-${at}`,
        startsAt: new Date(at * 1000),
        paidMicros,
        chargedMicros,
        allottedMicros,
        capMicros: allottedMicros,
        reservedMicros: 0n,
        failoverMicros: 0n,
      };
    }),
  );
const amount = fc.bigInt({ min: 1n, max: 300n });
const chainOf = ({ budgetId, id }: Payer) => budgetId ?? id;
const sumOf = (parts: readonly { readonly micros: bigint }[]) =>
  parts.reduce((sum, { micros }) => sum + micros, 0n);

describe('a correction', () => {
  test('gives back what each budget paid, the newest period first, and never more', () => {
    fc.assert(
      fc.property(payers, amount, (all, micros) => {
        const parts = correctedParts(all, 'credit', micros);
        for (const own of Map.groupBy(all, chainOf).values()) {
          const of = (id: string) => parts.find(({ accountId }) => accountId === id)?.micros ?? 0n;
          const paid = own.reduce((sum, { paidMicros }) => sum + paidMicros, 0n);
          const back = own.reduce((sum, { id }) => sum + of(id), 0n);
          expect(back).toBe(micros < paid ? micros : paid);
          for (const [at, { id, paidMicros }] of own.entries()) {
            expect(of(id)).toBeLessThanOrEqual(paidMicros);
            // An older period gives only when all newer ones have given everything.
            if (of(id) > 0n)
              for (const newer of own.slice(at + 1)) expect(of(newer.id)).toBe(newer.paidMicros);
          }
        }
        expect(parts.every(({ micros: part }) => part > 0n)).toBe(true);
      }),
    );
  });

  test('charges one period of each budget, and says which has not so much', () => {
    fc.assert(
      fc.property(payers, amount, fc.boolean(), (all, micros, failover) => {
        const parts = correctedParts(all, 'charge', micros);
        const chains = [...Map.groupBy(all, chainOf).values()];
        expect(sumOf(parts)).toBe(micros * BigInt(chains.length));
        expect(parts).toHaveLength(chains.length);
        for (const own of chains) {
          const paid = own.filter(({ paidMicros }) => paidMicros > 0n);
          const taken = own.filter(({ id }) => parts.some(({ accountId }) => accountId === id));
          expect(taken.map(({ id }) => id)).toEqual([(paid.at(-1) ?? own[0])?.id]);
        }
        const lacking = new Set(lackingPayers(all, parts, failover));
        for (const payer of all) {
          const taken = parts.some(({ accountId }) => accountId === payer.id);
          const left = payer.allottedMicros - payer.chargedMicros - (failover ? 0n : payer.disasterMicros);
          expect(overdrawn(payer)).toBeNull();
          expect(lacking.has(payer)).toBe(taken && left < micros);
        }
      }),
    );
  });
});
