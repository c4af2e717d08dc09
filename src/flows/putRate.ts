import type { Actor } from '../core/access.ts';
import { Problem } from '../core/problem.ts';
import { formatMicros } from '../core/money.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { putRate as put } from '../store/apply/rates.ts';
import type { RateRow } from '../store/read/rates.ts';

/**
 * The price of one unit of a currency in the accounting currency, as of a time (null: now). The newest one that
 * is not in the future counts, for what is placed from then on; what runs keeps the rate it was placed at.
 * Problem: impossible-spec for the accounting currency itself, and for a rate of nothing.
 */
export async function putRate(
  deps: Deps,
  actor: Actor,
  rate: { readonly currency: string; readonly rateMicros: bigint; readonly asOf: Date | null },
  requestId: string,
): Promise<RateRow> {
  const now = deps.clock.now();
  const { currency, rateMicros } = rate;
  if (currency === deps.config.currency) {
    throw new Problem(
      'impossible-spec',
      `${currency} is the accounting currency of this installation: its rate is 1.`,
    );
  }
  if (rateMicros <= 0n) {
    throw new Problem('impossible-spec', 'A rate is greater than 0.', {
      errors: [{ pointer: '/rate', detail: 'Greater than 0.' }],
    });
  }
  const row = await deps.store.transaction(async (tx) => {
    const made = await put(tx, { currency, rateMicros, asOf: rate.asOf ?? now, createdAt: now });
    const data = {
      rate: formatMicros(rateMicros),
      asOf: made.asOf,
      accountingCurrency: deps.config.currency,
    };
    await appendAudit(tx, now, [{ actor, action: 'rate.put', target: currency, requestId, data }]);
    return made;
  });
  deps.bell.ring('place');
  return row;
}
