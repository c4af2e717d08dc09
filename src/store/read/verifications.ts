import { desc, eq, gt, inArray, or, sql } from 'drizzle-orm';
import {
  pairsOf,
  type Verification,
  type VerifiedPair,
  type VerifiedSide,
} from '../../core/drill/verified.ts';
import { providers, verifications } from '../schema.ts';
import type { Reader } from '../store.ts';

/** What drills showed of a provider, from it or to it; newest first, and at most 500. */
export async function readVerifications(reader: Reader, provider: string): Promise<Verification[]> {
  const rows = await reader
    .select()
    .from(verifications)
    .where(or(eq(verifications.fromProvider, provider), eq(verifications.toProvider, provider)))
    .orderBy(desc(verifications.verifiedAt), verifications.jobId)
    .limit(500);
  return rows.map(verificationOf);
}

/** Every pair of providers whose verification holds now. Nearly free where no drill ever proved anything. */
export async function readVerifiedPairs(reader: Reader, now: Date): Promise<VerifiedPair[]> {
  const rows = await reader.select().from(verifications).where(gt(verifications.validUntil, now));
  if (rows.length === 0) return [];
  const all = rows.map(verificationOf);
  return pairsOf(all, await readSides(reader, all), now);
}

/** Beyond the end of a cut: until then a provider may still be found silent for it. */
const AFTERMATH_SECONDS = 15;

/** The providers that these speak of, as they are now. */
export async function readSides(
  reader: Reader,
  all: readonly Verification[],
): Promise<Map<string, VerifiedSide>> {
  const names = [...new Set(all.flatMap(({ from, to }) => [from, to]))];
  if (names.length === 0) return new Map();
  const rows = await reader
    .select({
      name: providers.name,
      certifications: providers.certifications,
      agentVersion: providers.agentVersion,
    })
    .from(providers)
    .where(inArray(providers.name, names));
  const downs = await lastDowns(reader, names, all);
  return new Map(rows.map((row) => [row.name, { ...row, lastDownAt: downs.get(row.name) ?? null }]));
}

/** When each was last given up since the oldest of these, but for drills that had cut it off. */
async function lastDowns(
  reader: Reader,
  names: readonly string[],
  all: readonly Verification[],
): Promise<Map<string, Date>> {
  const since = new Date(Math.min(...all.map(({ verifiedAt }) => verifiedAt.getTime())));
  const { rows } = await reader.execute<{ provider: string; at: string }>(sql`
    select h.provider, max(h.at) as at from provider_health h
    where h.source = 'verdict' and h.state = 'down' and h.at > ${since.toISOString()}::timestamptz
      and h.provider = any(${sql.param(names)}::text[])
      and not exists (select from drill_cuts k where k.provider = h.provider and k.allocation_id is null
        and h.at between k.from_at and k.until_at + make_interval(secs => ${AFTERMATH_SECONDS}))
    group by h.provider`);
  return new Map(rows.map(({ provider, at }) => [provider, new Date(at)]));
}

function verificationOf(row: typeof verifications.$inferSelect): Verification {
  const { fromProvider: from, toProvider: to, gpuModel: gpu, jobId: _, ...rest } = row;
  return { ...rest, from, to, gpu };
}
