import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { getPriority } from 'node:os';
import { claimGround, removeCgroup } from './cgroups.ts';
import { claimFile } from './claim.ts';
import { pipes } from './fifos.ts';
import { openFolders } from './folders.ts';
import { clearLeftovers } from './leftovers.ts';
import { givenNice, niceOfJobs, raisePriority } from './priority.ts';
import { lineReader, PROTOCOL_VERSION, toLine, type Command, type Report } from './protocol.ts';
import { postSentinel } from './sentinel.ts';
import { createSupervisor } from './supervisor.ts';

/** Output is announced at most this often for each job. */
const OUTPUT_EVERY_MS = 100;

/**
 * The warden: a process of its own, parent of all jobs of one data folder. Lives on when the agent dies, ends jobs
 * whose lease or paid time runs out without asking anybody, and goes when there is neither a job nor an agent for a while.
 *
 * argv: data folder, milliseconds without job and agent after which it goes, the nice value of the agent's start.
 */
async function main(dataDir: string, idleMs: number, jobsNice: number): Promise<void> {
  process.umask(0o077);
  process.chdir(dataDir);
  const claim = claimFile('warden.pid');
  if (claim === null) process.exit(0);
  raisePriority();
  const ground = claimGround(createHash('sha256').update(process.cwd()).digest('hex').slice(0, 12));
  const folders = openFolders(process.cwd());
  await clearLeftovers(folders, ground);
  const fifos = pipes(process.cwd());
  const sentinel = postSentinel(claim);

  let client: Socket | null = null;
  let idleSince = performance.now();
  const tell = (report: Report): void => {
    client?.write(toLine(report));
  };
  const output = announcer((id, written) => tell({ t: 'output', id, written }));
  const supervisor = createSupervisor(folders, ground, niceOfJobs(jobsNice, getPriority()), fifos.open, {
    started: (id, started) => tell({ t: 'started', id, started }),
    output: output.note,
    ended: (id, exit, written) => {
      output.forget(id);
      tell({ t: 'ended', id, exit, written });
    },
  });

  let leaving = false;
  const leave = (): void => {
    if (leaving) return;
    leaving = true;
    server.close();
    // Before us, so that nothing of ours is in the folder once we are gone.
    sentinel.dismiss(vanish);
  };
  const vanish = (): never => {
    fifos.close();
    if (ground.memory !== null) removeCgroup(ground.memory);
    if (ground.cpu !== null) removeCgroup(ground.cpu);
    for (const path of ['warden.sock', 'warden.pid']) rmSync(path, { force: true });
    process.exit(0);
  };
  const stopAll = (): void => {
    for (const { id, exit } of supervisor.held()) if (exit === null) supervisor.stop(id, 0);
    setInterval(() => {
      if (supervisor.live() === 0) leave();
    }, 20);
  };

  const obey = (socket: Socket, command: Command): void => {
    // Whoever asks now hears us hang up, and finds the next.
    if (leaving) return;
    // A process that was frozen wakes up here: what is over its lease ends before anything else is heard.
    supervisor.enforce();
    if (command.t === 'hello') return greet(socket, command.version);
    if (socket !== client) return;
    switch (command.t) {
      case 'ping':
        return tell({ t: 'pong', n: command.n });
      case 'start':
        return supervisor.start(command.launch, command.deadlineMs);
      case 'lease':
        for (const [id, deadlineMs] of command.deadlines) supervisor.renew(id, deadlineMs);
        return supervisor.enforce();
      case 'paid':
        for (const [id, paidMs] of command.paid) supervisor.pay(id, paidMs);
        return supervisor.enforce();
      case 'stop':
        return supervisor.stop(command.id, command.graceMs);
      case 'drop':
        return supervisor.drop(command.id);
      case 'shutdown':
        return stopAll();
    }
  };
  const greet = (socket: Socket, version: number): void => {
    if (client !== null) {
      socket.end(toLine({ t: 'busy', detail: 'another agent is using this data folder' }));
    } else if (version !== PROTOCOL_VERSION) {
      socket.end(
        toLine({
          t: 'busy',
          detail: `jobs of an agent of another version (${PROTOCOL_VERSION}) are running`,
        }),
      );
    } else {
      client = socket;
      const { mode: limits, detail } = ground;
      tell({ t: 'welcome', pid: process.pid, limits, detail, jobs: supervisor.held() });
    }
  };

  const server = createServer((socket) => {
    socket.setEncoding('utf8');
    socket.on(
      'data',
      lineReader<Command>((command) => obey(socket, command)) as (chunk: string | Buffer) => void,
    );
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (client === socket) client = null;
    });
  });
  rmSync('warden.sock', { force: true });
  server.listen('warden.sock');
  flushCompileCache();

  setInterval(() => {
    supervisor.enforce();
    if (client !== null || supervisor.live() > 0) idleSince = performance.now();
    else if (performance.now() - idleSince > idleMs) leave();
  }, 250);
  process.on('SIGTERM', stopAll);
}

/** Coalesces: the first output of a job is announced at once, what follows at most every OUTPUT_EVERY_MS. */
function announcer(announce: (id: string, written: number) => void): {
  note(id: string, written: number): void;
  forget(id: string): void;
} {
  const pending = new Map<string, { written: number; timer: NodeJS.Timeout }>();
  const fire = (id: string, before: number): void => {
    const entry = pending.get(id);
    pending.delete(id);
    if (entry !== undefined && entry.written > before) note(id, entry.written);
  };
  const note = (id: string, written: number): void => {
    const entry = pending.get(id);
    if (entry !== undefined) {
      entry.written = written;
      return;
    }
    announce(id, written);
    pending.set(id, { written, timer: setTimeout(fire, OUTPUT_EVERY_MS, id, written) });
  };
  return {
    note,
    forget: (id) => {
      clearTimeout(pending.get(id)?.timer);
      pending.delete(id);
    },
  };
}

process.on('SIGHUP', () => undefined);
process.on('SIGINT', () => undefined);
// It is the only one who knows the jobs: a defect in one of them must not take the others along.
process.on('uncaughtException', (error) => process.stderr.write(`${error.stack ?? String(error)}\n`));
process.on('unhandledRejection', (error) => process.stderr.write(`${String(error)}\n`));

const [dataDir, idleMs, jobsNice] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('usage: warden DATA_DIR [IDLE_MS [NICE]]');
await main(dataDir, Number(idleMs ?? 5_000), Number(jobsNice ?? givenNice));
