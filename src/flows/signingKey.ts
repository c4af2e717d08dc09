import type { SigningKey } from '../core/drill/evidence.ts';
import { publicJwk, thumbprint } from '../core/drill/signature.ts';
import type { Deps } from '../deps.ts';
import { exclusively } from '../store/exclusive.ts';
import { insertSigningKey } from '../store/apply/verifications.ts';
import { readSigningKey } from '../store/read/signingKeys.ts';

/** The installation's key; made when it is first needed, by one replica for all. */
export async function signingKey(deps: Pick<Deps, 'clock' | 'ids' | 'store'>): Promise<SigningKey> {
  const known = await readSigningKey(deps.store.db);
  if (known !== null) return known;
  return exclusively(deps.store, 'signing-key', async () => {
    const meanwhile = await readSigningKey(deps.store.db);
    if (meanwhile !== null) return meanwhile;
    const seed = deps.ids.secret();
    const jwk = publicJwk(seed);
    const kid = thumbprint(jwk);
    await deps.store.transaction((tx) =>
      insertSigningKey(tx, { kid, x: jwk.x, seed, createdAt: deps.clock.now() }),
    );
    return { kid, seed };
  });
}
