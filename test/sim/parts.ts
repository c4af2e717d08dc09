import type { AllocationFacts, ScopeFacts, Snapshot } from './facts.ts';

export const CLOSED: readonly string[] = ['degraded', 'down'];

/** Verdicts over parts that an allocation stands in, as they are stored. */
function scopesOver({ provider, offer, region }: AllocationFacts, now: Snapshot): ScopeFacts[] {
  const model = now.offers.get(`${provider}/${offer}`)?.gpuModel ?? 'none';
  const is = (name: string, own: string) => name === '*' || name === own;
  return now.scopes.filter(
    (scope) => scope.provider === provider && is(scope.region, region) && is(scope.gpuModel, model),
  );
}

/** The planes that are closed where it stands. */
export function closedPlanes(one: AllocationFacts, now: Snapshot): string[] {
  return scopesOver(one, now)
    .filter(({ state }) => CLOSED.includes(state))
    .map(({ plane, state }) => `${plane} ${state}`);
}

/** Work that runs is given up, or led out, only where the data plane is in trouble: what is wrong with this end. Null: nothing. */
export function wrongEnd(one: AllocationFacts, before: AllocationFacts, now: Snapshot): string | null {
  if (!before.started || before.state !== 'active' || one.state !== 'releasing') return null;
  const provider = now.providers.get(one.provider);
  const data = scopesOver(one, now).filter(({ plane, state }) => plane === 'data' && CLOSED.includes(state));
  if (
    one.endReason === 'provider-down' &&
    provider?.health !== 'down' &&
    !data.some(({ state }) => state === 'down')
  )
    return `${one.id} ran and is fenced, and the data plane of ${one.provider} is ${provider?.health}`;
  if (one.endReason === 'provider-degraded' && data.length === 0 && provider?.warned !== true)
    return `${one.id} ran and is led out of ${one.provider}, where no work is being hurt`;
  return null;
}
