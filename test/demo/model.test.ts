import { describe, expect, it } from 'vitest';
import {
  accuracy,
  digestOf,
  EPOCHS,
  newModel,
  testSet,
  trainedFor,
  trainEpoch,
  type Model,
} from '../../demo/model.ts';

describe('the model that the demo trains', () => {
  it('learns: its loss falls, and it is right about points that it never saw', () => {
    const model = newModel();
    const losses = Array.from({ length: EPOCHS }, () => trainEpoch(model));
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 4);
    expect(accuracy(newModel(), testSet(500))).toBeLessThan(0.8);
    expect(accuracy(model, testSet(500))).toBeGreaterThan(0.95);
  });

  it('resumed from a checkpoint it ends with the very weights of an uninterrupted training', () => {
    const resumed = JSON.parse(JSON.stringify(trainedFor(17))) as Model;
    while (resumed.epoch < EPOCHS) trainEpoch(resumed);
    expect(digestOf(resumed)).toBe(digestOf(trainedFor(EPOCHS)));
  });

  it('an epoch that is left out or done twice shows', () => {
    const less = trainedFor(EPOCHS - 1);
    expect(digestOf(less)).not.toBe(digestOf(trainedFor(EPOCHS)));
    const jumped = trainedFor(20);
    jumped.epoch = 21;
    while (jumped.epoch < EPOCHS) trainEpoch(jumped);
    expect(digestOf(jumped)).not.toBe(digestOf(trainedFor(EPOCHS)));
  });
});
