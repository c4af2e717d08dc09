import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WEBHOOK_EVENTS } from '../../src/core/ledger/words.ts';
import { BACKOFF_SECONDS, outcomeOf, type Reply } from '../../src/core/webhook/outcome.ts';
import { REPLAY_WINDOW_SECONDS, signWebhook, verifyWebhook } from '../../src/core/webhook/signature.ts';

const NOW = new Date('2026-03-02T09:00:00.000Z');
const T = NOW.getTime() / 1_000;
const SECRET = 'whsec_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG';

describe('a signature', () => {
  test('is what anybody can compute who has the secret', () => {
    const body = '{"id":"dlv-1","event":"budget.threshold"}';
    const hex = createHmac('sha256', SECRET).update(`${T}.${body}`).digest('hex');
    expect(signWebhook(SECRET, T, body)).toBe(`t=${T},v1=${hex}`);
    // printf 1.x | openssl dgst -sha256 -hmac key
    const known = 'fc4913c41a7bf793267e2a384f3261c9436ec2cd097bd745e7b0d99113f510ec';
    expect(signWebhook('key', 1, 'x')).toBe(`t=1,v1=${known}`);
  });

  const bodies = fc.uint8Array({ minLength: 1, maxLength: 200 });
  test('fits what was signed, and nothing of which a byte is changed', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), fc.integer({ min: 1, max: 255 }), (body, index, flip) => {
        const signature = signWebhook(SECRET, T, body);
        expect(verifyWebhook(SECRET, signature, body, T)).toBe(true);
        const changed = Uint8Array.from(body);
        const at = index % body.length;
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(verifyWebhook(SECRET, signature, changed, T)).toBe(false);
        expect(verifyWebhook(SECRET, signature, Buffer.concat([body, Buffer.from([flip])]), T)).toBe(false);
        expect(verifyWebhook(`${SECRET}x`, signature, body, T)).toBe(false);
        expect(verifyWebhook(SECRET, signature.replace(`t=${T}`, `t=${T + 1}`), body, T)).toBe(false);
      }),
    );
  });

  test('of which a character is changed fits nothing', () => {
    const signature = signWebhook(SECRET, T, 'body');
    fc.assert(
      fc.property(
        fc.nat(signature.length - 1),
        fc.constantFrom(...'0123456789abcdefgtv=,'.split('')),
        (at, letter) => {
          fc.pre(signature[at] !== letter);
          const changed = signature.slice(0, at) + letter + signature.slice(at + 1);
          expect(verifyWebhook(SECRET, changed, 'body', T)).toBe(false);
        },
      ),
    );
  });

  test('is good for five minutes in either direction, to the second', () => {
    const signature = signWebhook(SECRET, T, 'body');
    for (const sign of [1, -1]) {
      expect(verifyWebhook(SECRET, signature, 'body', T + sign * REPLAY_WINDOW_SECONDS)).toBe(true);
      expect(verifyWebhook(SECRET, signature, 'body', T + sign * (REPLAY_WINDOW_SECONDS + 1))).toBe(false);
    }
  });

  test('may be one of several, as while a secret is changed; nonsense is none', () => {
    const good = signWebhook(SECRET, T, 'body');
    const hex = good.split('v1=')[1] ?? '';
    expect(verifyWebhook(SECRET, `t=${T},v1=${'0'.repeat(64)},v1=${hex}`, 'body', T)).toBe(true);
    expect(verifyWebhook(SECRET, `t=${T},v0=${hex}`, 'body', T)).toBe(false);
    for (const nonsense of [
      '',
      't',
      't=',
      `t=${T}`,
      'v1=',
      `v1=${hex}`,
      `t=NaN,v1=${hex}`,
      `t=${T},v1=${hex}00`,
    ])
      expect(verifyWebhook(SECRET, nonsense, 'body', T)).toBe(false);
  });
});

describe('an attempt', () => {
  const answered = (status: number, retryAfter: string | null = null): Reply => ({ status, retryAfter });
  const secondsOf = (reply: Reply, attempts = 1) => {
    const { nextAt } = outcomeOf(reply, attempts, NOW);
    return nextAt === null ? null : (nextAt.getTime() - NOW.getTime()) / 1_000;
  };

  test.each([200, 201, 202, 204, 299])('answered %d is delivered', (status) => {
    expect(outcomeOf(answered(status), 3, NOW)).toEqual({
      state: 'delivered',
      nextAt: null,
      status,
      error: null,
    });
  });

  test.each([100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 409, 429, 500, 502, 503])(
    'answered %d comes again, and says why',
    (status) => {
      expect(outcomeOf(answered(status), 1, NOW)).toMatchObject({ state: 'pending', status });
      expect(outcomeOf(answered(status), 1, NOW).error).toContain(String(status));
      expect(secondsOf(answered(status))).toBe(10);
    },
  );

  test('answered 410 is over at once', () => {
    expect(outcomeOf(answered(410, '5'), 1, NOW)).toMatchObject({
      state: 'failed',
      nextAt: null,
      status: 410,
    });
  });

  test('that fails for ever is given up after about a day', () => {
    const reply: Reply = { status: null, error: 'It refused the connection.' };
    const waits = BACKOFF_SECONDS.map((_, index) => secondsOf(reply, index + 1));
    expect(waits).toEqual([...BACKOFF_SECONDS]);
    const hours = waits.reduce<number>((sum, wait) => sum + (wait ?? 0), 0) / 3_600;
    expect(hours).toBeGreaterThan(24);
    expect(hours).toBeLessThan(26);
    expect(outcomeOf(reply, BACKOFF_SECONDS.length + 1, NOW)).toEqual({
      state: 'failed',
      nextAt: null,
      status: null,
      error: 'It refused the connection.',
    });
  });

  const inSeconds = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000).toUTCString();
  test.each([
    [429, '120', 120],
    [503, '120', 120],
    [503, ' 120 ', 120],
    [503, inSeconds(300), 300],
    [503, inSeconds(-300), 10],
    [503, '1', 10],
    [503, '86400', 3_600],
    [503, inSeconds(86_400), 3_600],
    [503, 'soon', 10],
    [503, '-5', 10],
    [503, '9'.repeat(400), 3_600],
    [500, '120', 10],
    [302, '120', 10],
  ])('answered %d with Retry-After %j comes again in %d s', (status, retryAfter, seconds) => {
    expect(secondsOf(answered(status, retryAfter))).toBe(seconds);
  });
});

describe('the receiver in docs/webhooks.md', () => {
  const doc = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(doc)?.[1] ?? '';
  type Check = (secret: string, signature: string, body: string, nowSeconds: number) => boolean;

  test('takes what we sign, and nothing else', async () => {
    const module = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
    const { isFromNaru } = (await import(/* @vite-ignore */ module)) as { isFromNaru: Check };
    const signature = signWebhook(SECRET, T, 'body');
    expect(isFromNaru(SECRET, signature, 'body', T)).toBe(true);
    expect(isFromNaru(SECRET, signature, 'bodY', T)).toBe(false);
    expect(isFromNaru('another', signature, 'body', T)).toBe(false);
    expect(isFromNaru(SECRET, signature, 'body', T + 301)).toBe(false);
    for (const nonsense of ['', 't=1', 'v1=00', `t=${T},v1=zz`])
      expect(isFromNaru(SECRET, nonsense, 'body', T)).toBe(false);
  });

  test('names every event and every wait', () => {
    for (const event of WEBHOOK_EVENTS) expect(doc).toContain(`\`${event}\``);
    expect(BACKOFF_SECONDS.slice(0, 6)).toEqual([10, 30, 120, 600, 3_600, 21_600]);
    expect(doc.replaceAll(/\s+/g, ' ')).toContain('10 s, 30 s, 2 min, 10 min, 1 h and every 6 h');
  });
});
