import { decisionInputs, marketParts } from '../schema.ts';
import type { Tx } from '../store.ts';

/** A part of a market, named by its content. */
export interface MarketPart {
  /** Hex SHA-256 of the canonical JSON. */
  readonly hash: string;
  /** Gzipped canonical JSON. */
  readonly body: Buffer;
}

/** Keeps what is not there yet; a hash is its content, so what is there is the same. In the order of hashes: no deadlock. */
export async function keepParts(tx: Tx, now: Date, parts: readonly MarketPart[]): Promise<void> {
  if (parts.length === 0) return;
  const sorted = [...new Map(parts.map((part) => [part.hash, part])).values()].sort((a, b) =>
    a.hash < b.hash ? -1 : 1,
  );
  await tx
    .insert(marketParts)
    .values(sorted.map(({ hash, body }) => ({ hash, body, at: now })))
    .onConflictDoNothing();
}

/** What a page of the queue was decided from; see the table. */
export async function keepInput(tx: Tx, input: typeof decisionInputs.$inferInsert): Promise<void> {
  await tx.insert(decisionInputs).values(input);
}
