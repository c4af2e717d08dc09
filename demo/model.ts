import { createHash } from 'node:crypto';

/**
 * The smallest thing that really learns: a two-layer network (2 → 16 tanh → 1) that separates two interleaved
 * half-moons, by mini-batch gradient descent with momentum. Everything is a function of the seed and of how many
 * epochs were done, so a run that was interrupted and resumed must end with exactly the weights of one that was
 * not: that is how the demo proves that no epoch was lost and none was trained twice.
 */
export const EPOCHS = 60;
const HIDDEN = 16;
const POINTS = 600;
const BATCH = 20;
const RATE = 0.005;
const MOMENTUM = 0.9;
const SEED = 20261123;

/** mulberry32: uniform numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Point = readonly [x1: number, x2: number];

export interface Sample {
  readonly x: Point;
  /** Which moon. */
  readonly y: 0 | 1;
}

/** Weights, their momentum, and how many epochs made them: all that a checkpoint has to hold. */
export interface Model {
  epoch: number;
  /** HIDDEN × (x1, x2, bias). */
  readonly w1: number[];
  /** HIDDEN weights and a bias. */
  readonly w2: number[];
  readonly v1: number[];
  readonly v2: number[];
}

/** Points on two half-moons with noise. */
export function moons(count: number, seed: number): Sample[] {
  const random = randomFrom(seed);
  const noise = () => (random() + random() + random() - 1.5) * 0.18;
  return Array.from({ length: count }, (_, index) => {
    const y = index % 2 === 0 ? 0 : 1;
    const angle = random() * Math.PI;
    const [x1, x2] =
      y === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    return { x: [x1 + noise(), x2 + noise()], y };
  });
}

const TRAINING_SET = moons(POINTS, SEED);

/** Untrained. */
export function newModel(): Model {
  const random = randomFrom(SEED + 1);
  const small = (length: number) => Array.from({ length }, () => (random() - 0.5) * 3);
  const zeros = (length: number) => Array.from({ length }, () => 0);
  return {
    epoch: 0,
    w1: small(HIDDEN * 3),
    w2: small(HIDDEN + 1),
    v1: zeros(HIDDEN * 3),
    v2: zeros(HIDDEN + 1),
  };
}

/** Probability that the point is on the second moon, and what the hidden layer said. */
function forward(model: Model, [x1, x2]: Point): { hidden: number[]; probability: number } {
  const hidden = new Array<number>(HIDDEN);
  let sum = at(model.w2, HIDDEN);
  for (let i = 0; i < HIDDEN; i++) {
    const h = Math.tanh(at(model.w1, 3 * i) * x1 + at(model.w1, 3 * i + 1) * x2 + at(model.w1, 3 * i + 2));
    hidden[i] = h;
    sum += at(model.w2, i) * h;
  }
  return { hidden, probability: 1 / (1 + Math.exp(-sum)) };
}

export function predict(model: Model, x: Point): number {
  return forward(model, x).probability;
}

/** One pass over the training set in an order of its own; changes `model`, answers with the mean loss. */
export function trainEpoch(model: Model): number {
  const order = shuffled(POINTS, SEED + 1000 + model.epoch);
  let loss = 0;
  for (let from = 0; from < POINTS; from += BATCH) loss += trainBatch(model, order.slice(from, from + BATCH));
  model.epoch += 1;
  return loss / POINTS;
}

function trainBatch(model: Model, indexes: readonly number[]): number {
  const g1 = new Array<number>(HIDDEN * 3).fill(0);
  const g2 = new Array<number>(HIDDEN + 1).fill(0);
  let loss = 0;
  for (const index of indexes) loss += addGradient(model, TRAINING_SET[index] as Sample, g1, g2);
  step(model.w1, model.v1, g1, indexes.length);
  step(model.w2, model.v2, g2, indexes.length);
  return loss;
}

function addGradient(model: Model, { x, y }: Sample, g1: number[], g2: number[]): number {
  const { hidden, probability } = forward(model, x);
  const error = probability - y;
  add(g2, HIDDEN, error);
  for (let i = 0; i < HIDDEN; i++) {
    const h = at(hidden, i);
    const back = error * at(model.w2, i) * (1 - h * h);
    add(g2, i, error * h);
    add(g1, 3 * i, back * x[0]);
    add(g1, 3 * i + 1, back * x[1]);
    add(g1, 3 * i + 2, back);
  }
  return -Math.log(Math.max(1e-12, y === 1 ? probability : 1 - probability));
}

function step(weights: number[], velocity: number[], gradient: readonly number[], count: number): void {
  for (let i = 0; i < weights.length; i++) {
    velocity[i] = MOMENTUM * at(velocity, i) - (RATE * at(gradient, i)) / count;
    add(weights, i, at(velocity, i));
  }
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}

function add(values: number[], index: number, amount: number): void {
  values[index] = at(values, index) + amount;
}

function shuffled(count: number, seed: number): number[] {
  const random = randomFrom(seed);
  const order = Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [at(order, j), at(order, i)];
  }
  return order;
}

/** Names the weights: equal exactly when every bit of them is. */
export function digestOf(model: Model): string {
  const bytes = new Float64Array([...model.w1, ...model.w2]);
  return createHash('sha256').update(Buffer.from(bytes.buffer)).digest('hex').slice(0, 16);
}

/** What `epochs` of training without any interruption give. A few milliseconds an epoch. */
export function trainedFor(epochs: number): Model {
  const model = newModel();
  while (model.epoch < epochs) trainEpoch(model);
  return model;
}

/** Points that no training saw. */
export function testSet(count: number): Sample[] {
  return moons(count, SEED + 77);
}

export function accuracy(model: Model, points: readonly Sample[]): number {
  return points.filter(({ x, y }) => predict(model, x) > 0.5 === (y === 1)).length / points.length;
}
