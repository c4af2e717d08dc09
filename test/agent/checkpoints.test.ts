import { execFileSync, spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Header } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpack } from '../../src/agent/archive.ts';
import { fingerprint, snapshot } from '../../src/agent/snapshot.ts';
import { openRig, sha256, shell, until, type Rig } from './rig.ts';

const MIB = 2 ** 20;

describe('checkpoints of a job', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  const write = (name: string, text: string) =>
    `echo ${text} > $NARU_CHECKPOINT_DIR/.${name} && mv $NARU_CHECKPOINT_DIR/.${name} $NARU_CHECKPOINT_DIR/${name}`;
  const savedBy = (id: string) => rig.depot.saved.filter(({ allocationId }) => allocationId === id);
  const restoring = (id: string) => {
    const ref = savedBy(id).at(-1)?.ref;
    if (ref === undefined) throw new Error('nothing was saved');
    return ref;
  };

  it('are saved at the interval when something changed, and there before the next attempt starts', async () => {
    const id = rig.start({
      command: shell(`${write('step', '1')}; sleep 1.6; ${write('step', '2')}; sleep 100`),
      checkpointIntervalSeconds: 1,
    });
    await until(() => savedBy(id).length === 2 || null, 'two checkpoints');
    rig.executor.stop(id, 0);
    await rig.ended(id);
    // Nothing changed since: nothing more was saved.
    expect(savedBy(id)).toHaveLength(2);
    const next = rig.start({
      command: shell('cat $NARU_CHECKPOINT_DIR/step; ls -A $NARU_CHECKPOINT_DIR'),
      restore: restoring(id),
    });
    await rig.ended(next);
    await until(() => rig.depot.text(next) === '2\nstep\n' || null, 'the checkpoint to be there');
    expect(savedBy(next)).toHaveLength(0);
  });

  it('a stopped job is saved before its end is told', async () => {
    const id = rig.start({
      command: shell(`trap '${write('last', 'words')}; exit 0' TERM; echo up; while :; do sleep 0.05; done`),
    });
    await until(() => rig.depot.text(id).includes('up') || null, 'the trap to be set');
    let first: number | null = null;
    rig.executor.stop(id, 5_000);
    await until(() => {
      if (rig.see(id)?.phase !== 'ended') return null;
      first ??= savedBy(id).length;
      return true;
    }, 'the end');
    expect(first).toBe(1);
  });

  it('a job that ends by itself is saved too, after its end is told', async () => {
    const id = rig.start({ command: shell(write('result', '42')) });
    await rig.ended(id);
    rig.executor.forget(id);
    await until(() => savedBy(id).length === 1 || null, 'its last checkpoint');
  });

  it('a fenced allocation stops saving and holds nothing up', async () => {
    rig.depot.fenced = true;
    const id = rig.start({ command: shell(`${write('x', '1')}; sleep 100`), checkpointIntervalSeconds: 1 });
    await rig.until(id, 'running');
    rig.executor.stop(id, 0);
    await rig.ended(id);
    rig.depot.fenced = false;
    expect(savedBy(id)).toHaveLength(0);
  });

  it('damaged bytes are never unpacked: the allocation is refused, with the reason', async () => {
    const id = rig.start({ command: shell(write('x', '1')) });
    await rig.ended(id);
    await until(() => savedBy(id)[0], 'a checkpoint');
    const ref = { ...restoring(id), sha256: sha256('something else') };
    const next = rig.start({ command: shell('echo ran'), restore: ref });
    expect(await rig.ended(next)).toMatchObject({
      outcome: 'refused',
      ranMs: null,
      detail: expect.stringContaining(ref.id),
    });
    expect(rig.depot.text(next)).toBe('');
  });

  it('a big one makes the round trip without being held in memory', { timeout: 180_000 }, async () => {
    const bytes = 300 * MIB;
    const id = rig.start({
      command: shell(
        `head -c ${bytes} /dev/urandom > $NARU_CHECKPOINT_DIR/big; sha256sum < $NARU_CHECKPOINT_DIR/big`,
      ),
    });
    await rig.ended(id);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 20);
    await until(() => savedBy(id)[0], 'the checkpoint');
    const next = rig.start({
      command: shell('sha256sum < $NARU_CHECKPOINT_DIR/big'),
      restore: restoring(id),
    });
    await rig.ended(next);
    clearInterval(watch);
    await until(() => rig.depot.text(next) || null, 'the digest');
    expect(rig.depot.text(next)).toBe(rig.depot.text(id));
    // Of 300: what the collector has not taken yet, and no more for a larger one.
    expect(most).toBeLessThan(128 * MIB);
  });
});

describe('a snapshot', () => {
  it('costs no copy and stays as it was when files are replaced', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'naru-snapshot-'));
    try {
      const from = join(dir, 'from');
      mkdirSync(join(from, 'deep/er'), { recursive: true });
      writeFileSync(join(from, 'deep/er/file'), 'old');
      await snapshot(from, join(dir, 'to'));
      expect(statSync(join(dir, 'to/deep/er/file')).ino).toBe(statSync(join(from, 'deep/er/file')).ino);
      const before = await fingerprint(from);
      writeFileSync(join(from, 'deep/er/new'), 'new');
      execFileSync('mv', [join(from, 'deep/er/new'), join(from, 'deep/er/file')]);
      expect(await fingerprint(from)).not.toBe(before);
      expect(readFileSync(join(dir, 'to/deep/er/file'), 'utf8')).toBe('old');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('of nothing is nothing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'naru-snapshot-'));
    expect(await fingerprint(dir)).toBeNull();
    rmSync(dir, { recursive: true });
  });
});

describe('a hostile archive', () => {
  const entry = (path: string, type: string, more: Record<string, unknown> = {}): Buffer => {
    const block = Buffer.alloc(512);
    new Header({
      path,
      type: type as 'File',
      mode: 0o6755,
      size: 0,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
      ...more,
    }).encode(block, 0);
    return block;
  };
  const withBody = (path: string, body: string): Buffer => {
    const padded = Buffer.alloc(512);
    padded.write(body);
    return Buffer.concat([entry(path, 'File', { size: body.length }), padded]);
  };

  it('never writes outside its folder, makes no device and no set-uid file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'naru-tar-'));
    try {
      mkdirSync(join(dir, 'outside'));
      const tar = Buffer.concat([
        withBody('good', 'good'),
        withBody('../escaped', 'bad'),
        withBody(join(dir, 'absolute'), 'bad'),
        entry('out', 'SymbolicLink', { linkpath: '../outside' }),
        withBody('out/through-link', 'bad'),
        entry('abs', 'SymbolicLink', { linkpath: '/etc' }),
        entry('hard', 'Link', { linkpath: '/etc/passwd' }),
        entry('null', 'CharacterDevice', { devmaj: 1, devmin: 3 }),
        entry('pipe', 'FIFO'),
        entry('near', 'SymbolicLink', { linkpath: 'good' }),
        Buffer.alloc(1024),
      ]);
      writeFileSync(join(dir, 'x.tar'), tar);
      await unpack(join(dir, 'x.tar'), join(dir, 'in/side'), AbortSignal.timeout(10_000)).catch(
        () => undefined,
      );
      mkdirSync(join(dir, 'in'), { recursive: true });
      await unpack(join(dir, 'x.tar'), join(dir, 'in/side'), AbortSignal.timeout(10_000));
      expect(readdirSync(dir).sort()).toEqual(['in', 'outside', 'x.tar']);
      expect(readdirSync(join(dir, 'outside'))).toEqual([]);
      expect(readdirSync(join(dir, 'in'))).toEqual(['side']);
      const inside = readdirSync(join(dir, 'in/side')).sort();
      expect(inside).toEqual(expect.arrayContaining(['good', 'near']));
      for (const name of ['abs', 'hard', 'null', 'pipe', 'escaped']) expect(inside).not.toContain(name);
      expect(lstatSync(join(dir, 'in/side/good')).mode & 0o7000).toBe(0);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('a disk that is full', () => {
  it('the agent: the job goes on, what cannot be saved is saved when there is room', async (test) => {
    const dir = mkdtempSync(join(tmpdir(), 'naru-full-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dir]).status === 0;
    if (!mounted) {
      rmSync(dir, { recursive: true });
      test.skip('a small file system cannot be mounted here');
    }
    const rig = await openRig({ dir, saveMs: 20_000 });
    try {
      const script = `head -c 6m /dev/zero > $NARU_CHECKPOINT_DIR/x; while [ ! -e go ]; do sleep 0.05; done; echo still here`;
      const id = rig.start({ command: shell(script), checkpointIntervalSeconds: 1 });
      await rig.until(id, 'running');
      await until(() => rig.depot.saved.length === 1 || null, 'the first checkpoint');
      const stuffing = join(dir, 'stuffing');
      spawnSync('dd', ['if=/dev/zero', `of=${stuffing}`, 'bs=64k']);
      expect(spawnSync('sh', ['-c', `echo x > ${dir}/probe`]).status).not.toBe(0);
      const work = join(rig.dataDir, 'jobs', id, 'work');
      // Making a name needs no room on a tmpfs; the job sees it and writes its last line to a log that has none.
      writeFileSync(join(work, 'go'), '');
      await rig.ended(id);
      expect(rig.see(id)).toMatchObject({ outcome: 'exited', exitCode: 0 });
      rmSync(stuffing);
      // The warden, the agent and new jobs are as well as before.
      const next = rig.start({ command: shell('echo fine') });
      await rig.ended(next);
      await until(() => rig.depot.text(next) === 'fine\n' || null, 'its log');
    } finally {
      await rig.close();
      spawnSync('umount', [dir]);
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
