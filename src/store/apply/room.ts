import { sql, type SQL } from 'drizzle-orm';
import type { OfferShape } from '../../core/offer.ts';
import type { Draw } from '../../core/placement/types.ts';
import { placeOf, type OfferRoom, type PoolRoom, type Room, type Taking } from '../../core/room.ts';
import type { Tx } from '../store.ts';

/**
 * Locks what these would be taken of and says what is left of it; an offer that is withdrawn is left out. Pools before
 * offers, as whoever replaces what a provider sells writes them in that order, too: an offer refers to its pool.
 */
export async function lockRoom(tx: Tx, takings: readonly Taking[]): Promise<Room> {
  const drawn = takings.flatMap(({ provider, draw }) =>
    draw === null ? [] : [[provider, draw.pool] as const],
  );
  const pools = drawn.length === 0 ? [] : await lockPools(tx, drawn);
  const offers = await lockOffers(
    tx,
    takings.map(({ provider, offer }) => [provider, offer]),
  );
  return {
    offers: new Map(offers.map((row) => [placeOf(row.provider, row.name), row])),
    pools: new Map(pools.map((row) => [placeOf(row.provider, row.name), row])),
  };
}

type Named<T> = T & { readonly provider: string; readonly name: string };
type Name = readonly [provider: string, name: string];

async function lockPools(tx: Tx, names: readonly Name[]): Promise<Named<PoolRoom>[]> {
  const { rows } = await tx.execute<Named<PoolRoom> & Record<string, unknown>>(sql`
    select provider, name, gpus - used_gpus as gpus, (cpu_millis - used_cpu_millis)::float8 as "cpuMillis",
      (memory_mib - used_memory_mib)::float8 as "memoryMiB"
    from pools where (provider, name) in (${pairs(names)}) order by provider, name for no key update`);
  return rows;
}

async function lockOffers(tx: Tx, names: readonly Name[]): Promise<Named<OfferRoom>[]> {
  const { rows } = await tx.execute<
    Named<Omit<OfferRoom, 'shape'> & OfferShape> & Record<string, unknown>
  >(sql`
    select provider, name, capacity - used as places, pool, region, gpu_model as "gpuModel", gpu_count as "gpuCount",
      gpu_memory_gib as "gpuMemoryGiB", gpu_form_factor as "gpuFormFactor", cpus, memory_gib as "memoryGiB"
    from offers where (provider, name) in (${pairs(names)}) and withdrawn_at is null
    order by provider, name for no key update`);
  return rows.map(({ provider, name, places, pool, ...shape }) => ({ provider, name, places, pool, shape }));
}

const pairs = (names: readonly Name[]): SQL =>
  sql`select * from unnest(${sql.param(names.map(([provider]) => provider))}::text[],
    ${sql.param(names.map(([, name]) => name))}::text[])`;

/** Counts them as held. They fit: their rows are locked, see lockRoom. */
export const claim = (tx: Tx, takings: readonly Taking[]): Promise<void> => count(tx, takings, 1);

/** Counts them as free again, once: for allocations that this transaction has released. */
export const giveBack = (tx: Tx, takings: readonly Taking[]): Promise<void> => count(tx, takings, -1);

async function count(tx: Tx, takings: readonly Taking[], sign: 1 | -1): Promise<void> {
  const drawn = takings.flatMap(({ provider, draw }) => (draw === null ? [] : [{ provider, ...draw }]));
  if (drawn.length > 0) await countDrawn(tx, drawn, sign);
  if (takings.length > 0) await countPlaces(tx, takings, sign);
}

async function countDrawn(
  tx: Tx,
  drawn: readonly (Draw & { readonly provider: string })[],
  sign: 1 | -1,
): Promise<void> {
  const column = (pick: (row: (typeof drawn)[number]) => unknown) => sql.param(drawn.map(pick));
  await tx.execute(sql`
    with draws as (
      select provider, pool, sum(gpus)::int as gpus, sum(cpu_millis)::bigint as cpu_millis, sum(memory_mib)::bigint as memory_mib
      from unnest(${column((r) => r.provider)}::text[], ${column((r) => r.pool)}::text[], ${column((r) => sign * r.gpus)}::int[],
        ${column((r) => sign * r.cpuMillis)}::bigint[], ${column((r) => sign * r.memoryMiB)}::bigint[])
        as d(provider, pool, gpus, cpu_millis, memory_mib)
      group by 1, 2
    ), held as (
      select d.* from pools p join draws d on d.provider = p.provider and d.pool = p.name
      order by p.provider, p.name for no key update of p
    )
    update pools p set used_gpus = p.used_gpus + h.gpus, used_cpu_millis = p.used_cpu_millis + h.cpu_millis,
      used_memory_mib = p.used_memory_mib + h.memory_mib
    from held h where p.provider = h.provider and p.name = h.pool`);
}

async function countPlaces(tx: Tx, takings: readonly Taking[], sign: 1 | -1): Promise<void> {
  const column = (pick: (row: Taking) => unknown) => sql.param(takings.map(pick));
  await tx.execute(sql`
    with places as (
      select provider, offer, sum(nodes)::int as n
      from unnest(${column((r) => r.provider)}::text[], ${column((r) => r.offer)}::text[], ${column((r) => sign * r.nodes)}::int[])
        as t(provider, offer, nodes)
      group by 1, 2
    ), held as (
      select t.* from offers o join places t on t.provider = o.provider and t.offer = o.name
      order by o.provider, o.name for no key update of o
    )
    update offers o set used = o.used + h.n from held h where o.provider = h.provider and o.name = h.offer`);
}
