import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

/**
 * A first answer may hold a secret that is shown once, and yet the same request must get it again. So it is kept
 * sealed with a key that only the same caller, repeating the same request, can derive: the database alone (which
 * holds only hashes of secrets) opens nothing.
 * AES-256-GCM; key = HKDF-SHA256(caller's bearer secret, salt = idempotency key). Stored: nonce ‖ tag ‖ text.
 */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

function sealingKey(secret: string, idempotencyKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, idempotencyKey, 'naru idempotency', 32));
}

/** `randomness`: at least 12 unpredictable bytes, base64url; each used once. */
export function seal(text: string, secret: string, idempotencyKey: string, randomness: string): string {
  const nonce = Buffer.from(randomness, 'base64url').subarray(0, NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(secret, idempotencyKey), nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

/** Null when it cannot be opened: another secret, another key, or not what was sealed. */
export function unseal(sealed: string, secret: string, idempotencyKey: string): string | null {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(
    'aes-256-gcm',
    sealingKey(secret, idempotencyKey),
    bytes.subarray(0, NONCE_BYTES),
  );
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const opened = Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
      decipher.final(),
    ]);
    return opened.toString('utf8');
  } catch {
    return null;
  }
}
