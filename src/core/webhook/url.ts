import { isIP } from 'node:net';
import { reachOf, type Reach } from './address.ts';

export const URL_LENGTH_MAX = 2_000;

/** What is wrong with the writing of a URL, whatever it leads to; null: nothing. */
export function misspelt(url: string): string | null {
  const parsed = URL.parse(url);
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) return 'must be an https URL';
  if (parsed.username !== '' || parsed.password !== '') return 'must carry no user name and no password';
  // An empty fragment and an empty user are gone from what was parsed.
  if (url.includes('#')) return 'must have no fragment';
  return null;
}

/**
 * Why nobody may be told there; null: it is fine as far as its writing shows. A name may still lead to where it must
 * not: its addresses are looked at whenever something is sent.
 */
export function refusedUrl(url: string, loopbackAllowed: boolean): string | null {
  const { protocol, hostname } = new URL(url);
  const reach = reachOfHost(hostname);
  if (reach === null) return protocol === 'https:' ? null : ONLY_HTTPS;
  return refusedReach(reach, protocol, loopbackAllowed);
}

/** The same of an address that a name led to. */
export function refusedAddress(address: string, protocol: string, loopbackAllowed: boolean): string | null {
  return refusedReach(reachOf(address), protocol, loopbackAllowed);
}

function refusedReach(reach: Reach, protocol: string, loopbackAllowed: boolean): string | null {
  if (reach === 'refused' || (reach === 'loopback' && !loopbackAllowed)) return NOT_PUBLIC;
  return reach === 'public' && protocol !== 'https:' ? ONLY_HTTPS : null;
}

/** Of what a URL names by an address, or by the one name that is known to lead here; null: a name like any other. */
function reachOfHost(hostname: string): Reach | null {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return reachOf(host);
  return /(^|\.)localhost\.?$/.test(host) ? 'loopback' : null;
}

// Neither names the address: whoever may set a URL must not learn by it what a name means inside.
const NOT_PUBLIC = 'It leads to an address that is not public.';
const ONLY_HTTPS = 'It must be https.';

/** Without what may hold a secret of the receiver's: for the audit and for whoever may only look. */
export function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
