import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAddresses, type Gpu } from '../../src/agent/gpus.ts';
import { watchGpus, type GpuWatch } from '../../src/agent/gpuWatch.ts';
import { openKernelLog } from '../../src/agent/kernelLog.ts';

const FELL = 'NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus.';
const FAULT = 'NVRM: Xid (PCI:0000:86:00): 31, pid=7, Ch 00000008';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'naru-kernel-'));
  path = join(folder, 'kern.log');
  writeFileSync(path, `old: ${FELL}\n`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => openKernelLog(path, join(folder, 'position.json'));
const texts = (log: ReturnType<typeof open>) => log.read().map(({ text }) => text);

describe('a log that grows', () => {
  test('is read from its end at first, then line by line, whole lines only', () => {
    const log = open();
    expect(texts(log)).toEqual([]);
    appendFileSync(path, 'one\ntwo\nthr');
    expect(texts(log)).toEqual(['one', 'two']);
    appendFileSync(path, 'ee\n\n');
    expect(texts(log)).toEqual(['three', '']);
    expect(texts(log)).toEqual([]);
    log.close();
  });

  test('a successor goes on from what was committed, and gives the same names', () => {
    const first = open();
    appendFileSync(path, 'one\n');
    first.read();
    first.commit();
    appendFileSync(path, 'two\nthree\n');
    const lost = first.read();
    first.close();
    const second = open();
    expect(second.read()).toEqual(lost);
    second.commit();
    second.close();
    const third = open();
    expect(texts(third)).toEqual([]);
    third.close();
  });

  test('rotated away or emptied, nothing of it is missed', () => {
    const log = open();
    appendFileSync(path, 'one\n');
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'two\n');
    expect(texts(log)).toEqual(['one', 'two']);
    truncateSync(path);
    expect(texts(log)).toEqual([]);
    appendFileSync(path, 'three\n');
    expect(texts(log)).toEqual(['three']);
    log.close();
  });
  test('written anew while nobody looked, it is read from its beginning', () => {
    const log = open();
    appendFileSync(path, 'one\n'.repeat(50));
    log.read();
    log.commit();
    log.close();
    writeFileSync(path, 'two\n');
    const next = open();
    expect(texts(next)).toEqual(['two']);
    next.close();
  });
});

describe('the watch', () => {
  const gpus: Gpu[] = [0, 1].map((index) => ({ index, model: 'NVIDIA H100 80GB HBM3', memoryGiB: 80 }));
  const watches: GpuWatch[] = [];
  const watch = (
    onFault: () => void = () => undefined,
    more: Partial<{ gpus: Gpu[]; path: string }> = {},
  ) => {
    const addresses = new Map([['0000:3b:00', 1]]);
    const log = pino({ level: 'silent' });
    const made = watchGpus({ path, dataDir: folder, gpus, addresses, log, onFault, ...more });
    watches.push(made);
    return made;
  };
  afterEach(() => watches.splice(0).forEach((one) => one.close()));

  /** As the agent would: it looks once a second by itself. */
  const heardOf = async (text: string, more = {}) => {
    const told = Promise.withResolvers<void>();
    const one = watch(told.resolve, more);
    appendFileSync(path, text);
    await told.promise;
    return one;
  };

  test('says what it read until it was heard', async () => {
    const one = await heardOf(`nothing\n${FELL}\n${FAULT}\n`);
    const said = one.pending();
    expect(said).toMatchObject([
      { device: '0000:3b:00', index: 1, model: 'NVIDIA H100 80GB HBM3', xid: 79 },
      { device: '0000:86:00', index: null, model: 'NVIDIA H100 80GB HBM3', xid: 31 },
    ]);
    expect(one.pending().map(({ id }) => id)).toEqual(said.map(({ id }) => id));
    one.heard(said.slice(0, 1).map(({ id }) => id));
    expect(one.pending()).toHaveLength(1);
    one.heard(said.map(({ id }) => id));
    expect(one.pending()).toEqual([]);
  });

  test('what was not heard is said again by a successor, under the same name; what was heard is not', async () => {
    appendFileSync(path, 'before\n');
    const first = await heardOf(`${FELL}\n`);
    first.heard(['another']);
    // Its position is committed only once everything was heard: its successor starts where it started.
    const id = first.pending()[0]?.id;
    first.heard([id ?? '']);
    const second = await heardOf(`${FAULT}\n`);
    const ids = second.pending().map((one) => one.id);
    expect(ids).toHaveLength(1);
    appendFileSync(path, `${FELL}\n`);
    const third = watch();
    expect(third.pending().map(({ xid }) => xid)).toEqual([31, 79]);
    expect(third.pending()[0]?.id).toBe(ids[0]);
  });

  test('a device that repeats itself is heard once', async () => {
    const one = await heardOf(`${FELL}\n`.repeat(500));
    expect(one.pending()).toHaveLength(1);
  });

  test('with several models and no address, none is claimed', async () => {
    const mixed = [gpus[0], { index: 1, model: 'L40S', memoryGiB: 48 }] as Gpu[];
    const one = await heardOf(`${FAULT}\n`, { gpus: mixed });
    expect(one.pending()).toMatchObject([{ index: null, model: null }]);
  });

  test('without a log nothing is said', () => {
    expect(watch(undefined, { path: join(folder, 'none') }).pending()).toEqual([]);
  });
});

test('addresses are as the kernel writes them', () => {
  const csv = '0, 00000000:3B:00.0\n1, 00000000:AF:00.0\nnot a line\n';
  expect(parseAddresses(csv)).toEqual(
    new Map([
      ['0000:3b:00', 0],
      ['0000:af:00', 1],
    ]),
  );
});
