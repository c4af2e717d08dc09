import type { Verification } from '../../core/drill/verified.ts';
import { signingKeys, verifications } from '../schema.ts';
import type { Tx } from '../store.ts';

/** In the transaction that ends the drill. */
export async function insertVerifications(
  tx: Tx,
  proved: readonly (Verification & { readonly jobId: string })[],
): Promise<void> {
  if (proved.length === 0) return;
  await tx.insert(verifications).values(
    proved.map(({ from, to, gpu, ...rest }) => ({
      ...rest,
      fromProvider: from,
      toProvider: to,
      gpuModel: gpu,
    })),
  );
}

export type SigningKeyRow = typeof signingKeys.$inferSelect;

export async function insertSigningKey(tx: Tx, row: SigningKeyRow): Promise<void> {
  await tx.insert(signingKeys).values(row).onConflictDoNothing();
}
