import type { Scope } from '../core/access.ts';
import { breachesOf, type Breach } from '../core/placement/compliance.ts';
import { defaultPolicies } from '../core/policy-defaults.ts';
import type { Deps } from '../deps.ts';
import { loadStateAt } from '../store/load/world.ts';
import { listPlaced, type PlacedFilter, type PlacedRow } from '../store/read/placed.ts';
import type { Page } from '../store/read/page.ts';

export interface NonCompliant extends Omit<PlacedRow, 'spec' | 'region' | 'spot' | 'priceMicrosPerHour'> {
  readonly breaches: readonly Breach[];
}

/** Placed jobs looked at per query; most keep the rules. */
const CHUNK = 500;

/** Jobs that have a place which breaks rules as they are now, newest first; `before` is the last job of the page before. */
export async function listNonCompliant(
  deps: Pick<Deps, 'store' | 'clock' | 'config'>,
  scope: Scope,
  filter: PlacedFilter,
  before: string | null,
  limit: number,
): Promise<Page<NonCompliant>> {
  const asked = { now: deps.clock.now(), currency: deps.config.currency, defaults: defaultPolicies() };
  const world = await loadStateAt(deps.store, asked);
  const providers = new Map(world.providers.map((provider) => [provider.name, provider]));
  const items: NonCompliant[] = [];
  let mark = before;
  for (;;) {
    const rows: PlacedRow[] = await listPlaced(deps.store.db, scope, filter, mark, CHUNK);
    for (const row of rows) {
      const breaches = breachesOf({ ...row, provider: providers.get(row.provider) ?? null }, world);
      if (breaches.length > 0) items.push(shown(row, breaches));
    }
    mark = rows.at(-1)?.jobId ?? null;
    if (rows.length < CHUNK || items.length > limit) break;
  }
  return { items: items.slice(0, limit), more: items.length > limit };
}

function shown(row: PlacedRow, breaches: readonly Breach[]): NonCompliant {
  const { spec: _, region: _region, spot: _spot, priceMicrosPerHour: _price, ...rest } = row;
  return { ...rest, breaches };
}
