import { desc } from 'drizzle-orm';
import { signingKeys } from '../schema.ts';
import type { Reader } from '../store.ts';

/** Public halves of all keys that ever signed, the newest first. */
export async function readPublicKeys(reader: Reader): Promise<{ kid: string; x: string }[]> {
  return reader
    .select({ kid: signingKeys.kid, x: signingKeys.x })
    .from(signingKeys)
    .orderBy(desc(signingKeys.createdAt), signingKeys.kid);
}

/** The key that signs now; null: none was made yet. */
export async function readSigningKey(reader: Reader): Promise<{ kid: string; seed: string } | null> {
  const [row] = await reader
    .select({ kid: signingKeys.kid, seed: signingKeys.seed })
    .from(signingKeys)
    .orderBy(desc(signingKeys.createdAt), signingKeys.kid)
    .limit(1);
  return row ?? null;
}
