import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { segmentName, LOG_LIMIT_BYTES } from '../../src/agent/capture.ts';
import { readPiece, withoutHalfCharacter } from '../../src/agent/segments.ts';
import { openRig, shell, until, type Rig } from './rig.ts';

describe('a flood of output', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig();
  });
  afterEach(() => rig.close());

  it('of 100 MB is bounded on disk, its newest end kept, and the cut is exact', async () => {
    const script = `yes 0123456789abcdef0123456789abcde | head -c 100000000; echo; echo the end`;
    const id = rig.start({ command: shell(script) });
    const log = join(rig.dataDir, 'jobs', id, 'log');
    let most = 0;
    await until(() => {
      most = Math.max(most, sizeOf(log));
      return rig.see(id)?.phase === 'ended' || null;
    }, 'the flood to end');
    expect(rig.see(id)).toMatchObject({ outcome: 'exited', exitCode: 0 });
    await until(() => rig.depot.text(id).endsWith('\nthe end\n') || null, 'the newest end');
    expect(most).toBeLessThanOrEqual(LOG_LIMIT_BYTES + 65_536);
    const pieces = rig.depot.pieces.get(id) ?? [];
    const last = pieces.at(-1);
    expect((last?.startByte ?? 0) + (last?.bytes.length ?? 0)).toBe(100_000_009);
    // Every piece is what the job wrote at that byte.
    const line = '0123456789abcdef0123456789abcde\n';
    for (const { startByte, bytes } of pieces.slice(0, -1)) {
      const from = startByte % line.length;
      expect(bytes.toString().slice(0, 64)).toBe(line.repeat(4).slice(from, from + 64));
    }
  });

  it('does not keep the others waiting', async () => {
    const flood = rig.start({ command: shell('yes') });
    await until(() => rig.depot.text(flood) || null, 'the flood');
    const other = rig.start({ command: shell('echo hello') });
    await rig.ended(other);
    await until(() => rig.depot.text(other) === 'hello\n' || null, 'the other log');
    rig.executor.stop(flood, 0);
    await rig.ended(flood);
  });

  it('is sent from where it was, when the service was away', async () => {
    rig.depot.fault = new Error('unreachable');
    const id = rig.start({ command: shell('for i in 1 2 3 4 5; do echo $i; sleep 0.1; done') });
    await rig.ended(id);
    await rig.reopen();
    expect(rig.depot.text(id)).toBe('');
    rig.depot.fault = null;
    await until(() => rig.depot.text(id) === '1\n2\n3\n4\n5\n' || null, 'the log');
  });
});

describe('reading pieces', () => {
  let dir: string;
  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'naru-segments-')), 'log');
    mkdirSync(dir);
  });
  afterEach(() => rmSync(join(dir, '..'), { recursive: true }));
  const segment = (start: number, text: string) => writeFileSync(join(dir, segmentName(start)), text);

  it('goes on from any byte, over segments and gaps', () => {
    segment(0, 'abcdef');
    segment(6, 'ghi');
    segment(20, 'xyz');
    const read = (from: number, limit = 100) => {
      const piece = readPiece(dir, from, limit, null);
      return piece === null ? null : [piece.startByte, piece.bytes.toString()];
    };
    expect(read(0)).toEqual([0, 'abcdef']);
    expect(read(2, 3)).toEqual([2, 'cde']);
    expect(read(6)).toEqual([6, 'ghi']);
    expect(read(9)).toEqual([20, 'xyz']);
    expect(read(23)).toBeNull();
  });

  it('says how much of the end was lost', () => {
    segment(0, 'abc');
    expect(readPiece(dir, 3, 100, 3)).toBeNull();
    expect(readPiece(dir, 3, 100, 50)).toEqual({ startByte: 50, bytes: Buffer.alloc(0) });
  });

  it('never cuts a character in two', () => {
    segment(0, '가나다');
    expect(readPiece(dir, 0, 4, null)?.bytes.toString()).toBe('가');
    expect(readPiece(dir, 3, 5, null)?.bytes.toString()).toBe('나');
    for (const text of ['a', 'é', '한', '😀', 'a😀']) {
      const whole = Buffer.from(text);
      expect(withoutHalfCharacter(whole)).toEqual(whole);
    }
    // What is no UTF-8 at all is not held back for ever.
    expect(withoutHalfCharacter(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80]))).toHaveLength(5);
  });
});

function sizeOf(dir: string): number {
  try {
    return readdirSync(dir).reduce(
      (sum, name) => sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  } catch {
    return 0;
  }
}
