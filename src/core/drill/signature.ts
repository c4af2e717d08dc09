import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../canonical.ts';

/** A public key as RFC 8037 has it. */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
}

/** PKCS #8 around an Ed25519 seed. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @param seed base64url, 32 bytes */
export function publicJwk(seed: string): PublicJwk {
  const { x } = createPublicKey(privateKey(seed)).export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', x: x ?? '' };
}

/** RFC 7638: the SHA-256 of the required members, in the order of their names. */
export function thumbprint({ kty, crv, x }: PublicJwk): string {
  return Buffer.from(sha256Hex(canonicalJson({ crv, kty, x })), 'hex').toString('base64url');
}

/** Compact JWS (RFC 7515, RFC 8037). The same input gives the same signature. */
export function signJws(payload: unknown, seed: string, kid: string): string {
  const header = encode({ alg: 'EdDSA', kid, typ: 'JWT' });
  const signed = `${header}.${encode(payload)}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey(seed)).toString('base64url')}`;
}

/** The payload, where one of the keys signed it; null otherwise. */
export function verifyJws(jws: string, keys: readonly (PublicJwk & { readonly kid: string })[]): unknown {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const { alg, kid } = headOf(header);
  const key = keys.find((one) => one.kid === kid);
  if (alg !== 'EdDSA' || key === undefined) return null;
  const { kty, crv, x } = key;
  const opened = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
  const good = verify(null, Buffer.from(`${header}.${payload}`), opened, Buffer.from(signature, 'base64url'));
  return good ? decode(payload) : null;
}

function privateKey(seed: string) {
  return createPrivateKey({
    key: Buffer.concat([PKCS8, Buffer.from(seed, 'base64url')]),
    format: 'der',
    type: 'pkcs8',
  });
}

function headOf(header: string): { readonly alg?: unknown; readonly kid?: unknown } {
  try {
    return decode(header) ?? {};
  } catch {
    return {};
  }
}

const encode = (value: unknown): string => Buffer.from(canonicalJson(value)).toString('base64url');
const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString());
