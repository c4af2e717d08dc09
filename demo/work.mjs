/**
 * An ordinary job of the demo: counts primes for about DEMO_SECONDS and ends. It keeps no checkpoint, so where its
 * provider is lost it starts again from nothing, and only a run that comes to its end counts.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { note } from './note.ts';

const SECONDS = Number(process.env.DEMO_SECONDS ?? 3);
const STEPS = 10;
const CHUNK = 20_000;

function isPrime(n) {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}

note('start');
let primes = 0;
for (let step = 0; step < STEPS; step++) {
  for (let n = step * CHUNK; n < (step + 1) * CHUNK; n++) if (isPrime(n)) primes += 1;
  console.log(`${step + 1}/${STEPS}: ${primes} primes below ${(step + 1) * CHUNK}`);
  // Paced: a demo on two cores must leave room for what it demonstrates.
  await wait((SECONDS * 1000) / STEPS);
}
note('end', { primes });
