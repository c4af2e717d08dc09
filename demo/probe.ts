import { setTimeout as wait } from 'node:timers/promises';
import { digestOf, predict, testSet, trainedFor, type Model } from './model.ts';

/** One call to the service job, as its user makes it. */
export interface Probe {
  readonly atMs: number;
  /** It answered, and every number was right to the last bit. */
  readonly right: boolean;
  /** It answered, and wrongly. */
  readonly wrong: boolean;
  /** Of the model that answered. */
  readonly epoch: number | null;
  /** Which attempt of the job answered. */
  readonly attempt: number | null;
}

interface Answer {
  readonly epoch: number;
  readonly attempt: number;
  readonly digest: string;
  readonly probabilities: readonly number[];
}

const QUESTIONS = testSet(8);
const EVERY_MS = 200;

/**
 * Asks the service job for predictions, about five times a second, until `signal`. `where` is asked anew each time,
 * because after a move the service answers somewhere else.
 */
export async function keepAsking(
  where: () => string | null,
  tell: (probe: Probe) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const url = where();
    if (url !== null) tell(await ask(url));
    await wait(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function ask(url: string): Promise<Probe> {
  try {
    const response = await fetch(new URL('/predict', url), {
      method: 'POST',
      body: JSON.stringify({ points: QUESTIONS.map(({ x }) => x) }),
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(1_000),
    });
    const answer = (await response.json()) as Answer;
    const right = response.ok && isRight(answer);
    return { atMs: Date.now(), right, wrong: !right, epoch: answer.epoch, attempt: answer.attempt };
  } catch {
    return { atMs: Date.now(), right: false, wrong: false, epoch: null, attempt: null };
  }
}

/** Against a model that the demo trains itself, for as many epochs as the answer claims, without interruption. */
function isRight({ epoch, digest, probabilities }: Answer): boolean {
  const model = referenceOf(epoch);
  return (
    digest === digestOf(model) &&
    probabilities.length === QUESTIONS.length &&
    QUESTIONS.every(({ x }, i) => predict(model, x) === probabilities[i])
  );
}

const references = new Map<number, Model>();

export function referenceOf(epochs: number): Model {
  const known = references.get(epochs) ?? trainedFor(epochs);
  references.set(epochs, known);
  return known;
}
