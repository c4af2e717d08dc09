import { createHmac, timingSafeEqual } from 'node:crypto';

/** How old a request may be at its receiver's: what was overheard cannot be sent again later. */
export const REPLAY_WINDOW_SECONDS = 300;

/**
 * `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of `<t>.<body>`, keyed with the secret's text as it was shown, `whsec_` and
 * all. The body is what is sent, byte for byte.
 */
export function signWebhook(secret: string, unixSeconds: number, body: string | Uint8Array): string {
  return `t=${unixSeconds},v1=${mac(secret, unixSeconds, body).toString('hex')}`;
}

/** What a receiver does: was this sent by who has the secret, unchanged, and just now? Of several `v1`, one must fit. */
export function verifyWebhook(
  secret: string,
  signature: string,
  body: string | Uint8Array,
  nowUnixSeconds: number,
): boolean {
  const parts = signature.split(',', 10).map((part) => part.split('=', 2));
  const said = parts.find(([name]) => name === 't')?.[1] ?? '';
  if (!/^\d{1,12}$/.test(said)) return false;
  const unixSeconds = Number(said);
  if (Math.abs(nowUnixSeconds - unixSeconds) > REPLAY_WINDOW_SECONDS) return false;
  const expected = mac(secret, unixSeconds, body);
  return parts.some(([name, hex = '']) => name === 'v1' && isEqual(expected, hex));
}

function mac(secret: string, unixSeconds: number, body: string | Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${unixSeconds}.`).update(body).digest();
}

function isEqual(expected: Buffer, hex: string): boolean {
  return /^[0-9a-f]{64}$/.test(hex) && timingSafeEqual(expected, Buffer.from(hex, 'hex'));
}
