import type { Actor } from '../core/access.ts';
import { storableJson, storableText } from '../core/canonical.ts';
import { diffCatalog } from '../core/catalog/diff.ts';
import { parseCatalog } from '../core/catalog/parse.ts';
import {
  NotACatalog,
  type CatalogDiff,
  type ImportedOffer,
  type ParsedCatalog,
} from '../core/catalog/types.ts';
import type { OfferTerms } from '../core/offer-set.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { offersOf, putOffers, withdrawOffers } from '../store/apply/offers.ts';
import { lockProvider } from '../store/apply/providers.ts';
import type { Tx } from '../store/store.ts';
import { once, type Answer, type Ask } from './once.ts';

export interface CatalogImport {
  readonly csv: string;
  /** How many of each machine can be had, for offers that are new: a catalog does not say. In whole offers. */
  readonly capacity: number;
}

export interface ImportResult {
  readonly diff: CatalogDiff;
  readonly parsed: ParsedCatalog;
}

/**
 * Makes a catalog all that a provider sells; offers that were there keep their capacity and their
 * pool, of which no catalog knows.
 * Problems: not-found, invalid-request (it is no catalog).
 */
export function importCatalog<Body>(
  deps: Deps,
  actor: Actor,
  provider: string,
  input: CatalogImport,
  ask: Ask<ImportResult, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  const parsed = read(input.csv);
  const answer = once(deps, actor, ask, now, async (tx) => {
    if ((await lockProvider(tx, provider)) === null)
      throw new Problem('not-found', 'There is no such provider.');
    const diff = await apply(tx, provider, now, parsed, input.capacity);
    const { imported, updated, withdrawn, unchanged } = diff;
    const counts = {
      imported: imported.length,
      updated: updated.length,
      withdrawn: withdrawn.length,
      unchanged,
    };
    const data = { ...counts, skipped: parsed.skippedRows, capacity: input.capacity };
    await appendAudit(tx, now, [
      { actor, action: 'offers.import', target: provider, requestId: ask.requestId, data },
    ]);
    return { diff, parsed };
  });
  void answer.then(
    () => deps.bell.ring('place'),
    () => {},
  );
  return answer;
}

function read(csv: string): ParsedCatalog {
  try {
    return parseCatalog(csv);
  } catch (error) {
    if (error instanceof NotACatalog) throw new Problem('invalid-request', storableText(error.message));
    throw error;
  }
}

async function apply(
  tx: Tx,
  provider: string,
  now: Date,
  parsed: ParsedCatalog,
  capacity: number,
): Promise<CatalogDiff> {
  const stored = await offersOf(tx, provider);
  const diff = diffCatalog(stored, parsed.offers);
  const kept = new Map(stored.map((offer) => [offer.name, offer]));
  const terms = [
    ...diff.imported.map((offer) => toTerms(offer, { capacity, pool: null })),
    ...diff.updated.map((offer) => toTerms(offer, kept.get(offer.name) ?? { capacity, pool: null })),
  ];
  await putOffers(tx, provider, now, terms);
  await withdrawOffers(tx, provider, now, diff.withdrawn);
  return diff;
}

/**
 * A catalog is somebody's file: what PostgreSQL cannot hold is replaced, not refused.
 *
 * @param kept what no catalog says
 */
function toTerms(
  offer: ImportedOffer,
  { capacity, pool }: Pick<OfferTerms, 'capacity' | 'pool'>,
): OfferTerms {
  const listed = storableJson(offer.listed) as Record<string, unknown>;
  return { ...offer, region: storableText(offer.region), capacity, pool, effectiveFrom: null, listed };
}
