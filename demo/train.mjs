/**
 * The demo's training job. Learns, prints its loss, writes a checkpoint after every epoch, goes on from the one that
 * it finds, and ends with 0 after the last epoch. Knows nothing of the service but NARU_CHECKPOINT_DIR.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { note } from './note.ts';
import { accuracy, digestOf, EPOCHS, newModel, testSet, trainEpoch } from './model.ts';

/** An epoch takes milliseconds; it is paced so that there is something to watch, and to interrupt. */
const EPOCH_MS = Number(process.env.DEMO_EPOCH_MS ?? 420);
const FOLDER = process.env.NARU_CHECKPOINT_DIR ?? '.';
const FILE = join(FOLDER, 'model.json');

function restore() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return newModel();
  }
}

/** Written aside and renamed: whoever copies the folder meanwhile finds the old file or the new one, never half of one. */
function save(model, loss) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FILE}.new`, JSON.stringify({ ...model, loss }));
  renameSync(`${FILE}.new`, FILE);
}

const model = restore();
const from = model.epoch;
note('start', { epoch: from });
console.log(
  from === 0 ? 'starting with fresh weights' : `resuming after epoch ${from}, loss ${model.loss.toFixed(4)}`,
);
let { loss } = model;
let next = performance.now();
while (model.epoch < EPOCHS) {
  loss = trainEpoch(model);
  save(model, loss);
  note('epoch', { epoch: model.epoch, loss });
  console.log(`epoch ${model.epoch}/${EPOCHS} loss ${loss.toFixed(4)}`);
  next += EPOCH_MS;
  await wait(Math.max(0, next - performance.now()));
}
const correct = accuracy(model, testSet(1000));
console.log(`done: loss ${loss.toFixed(4)}, ${(100 * correct).toFixed(1)} % of 1000 unseen points right`);
note('end', { epoch: model.epoch, loss, accuracy: correct, digest: digestOf(model) });
