import type { IncomingMessage } from 'node:http';
import type { Deps } from '../src/deps.ts';

const ACCEPTED = /^[\w.:-]{1,128}$/;

/** The caller's own id for the request where it sent a sane one, so that its log and ours can be laid side by side. */
export function requestId(deps: Pick<Deps, 'ids' | 'clock'>, raw: Pick<IncomingMessage, 'headers'>): string {
  const sent = raw.headers['x-request-id'];
  if (typeof sent === 'string' && ACCEPTED.test(sent)) return sent;
  return deps.ids.next('req', deps.clock.now());
}
