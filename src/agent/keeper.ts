import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Inventory } from '../core/order.ts';
import { holderOf } from './claim.ts';
import type { Command, Held, Report } from './protocol.ts';
import { send } from './tree.ts';
import { linkWarden, type WardenLink } from './wardenLink.ts';

export interface Keeper {
  /** Finds or starts the warden. Throws DataFolderBusy. */
  open(): Promise<void>;
  /** False while there is no warden. */
  tell(command: Command): boolean;
  limits(): { readonly mode: Inventory['limits']; readonly detail: string };
  /** Rejects when it does not answer within 2 s. */
  ping(): Promise<void>;
  /** It let leases run out: if it does not answer either, it is frozen, and is killed, and its jobs with it. */
  suspect(): Promise<void>;
  close(): void;
}

export interface KeeperOptions {
  readonly dataDir: string;
  readonly path: string | undefined;
  readonly idleMs: number;
  readonly busyMs: number;
  readonly log: Logger;
  onReport(report: Report): void;
  /** Connected, for the first time or to another warden: this is what it has. Comes before its reports. */
  onLinked(held: readonly Held[]): void;
}

const ANSWER_MS = 2_000;

/** Keeps one warden going and in hearing. Its jobs die with it; the next one clears up and says what is known. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { dataDir, log } = options;
  let link: WardenLink | null = null;
  let closed = false;

  const open = async (): Promise<void> => {
    const early: Report[] = [];
    let linked = false;
    const onReport = (report: Report): void => void (linked ? options.onReport(report) : early.push(report));
    const fresh = await linkWarden({
      dataDir,
      path: options.path,
      idleMs: options.idleMs,
      busyMs: options.busyMs,
      onReport,
      onLost: () => void lost(),
    });
    if (closed) return fresh.close();
    link = fresh;
    options.onLinked(fresh.jobs);
    linked = true;
    early.forEach(options.onReport);
  };
  const lost = async (): Promise<void> => {
    link = null;
    log.error('the warden is gone; starting another');
    while (!closed && link === null) {
      await open().catch((error: unknown) => log.error({ err: error }, 'there is no warden'));
      if (link === null) await sleep(500);
    }
  };
  const ping = async (): Promise<void> => {
    if (link === null) throw new Error('there is no warden');
    await link.ping(ANSWER_MS);
  };

  return {
    open,
    tell: (command) => {
      link?.send(command);
      return link !== null;
    },
    limits: () => ({ mode: link?.limits ?? 'none', detail: link?.limitsDetail ?? '' }),
    ping,
    suspect: async () => {
      const pid = link?.pid;
      if (pid === undefined) return;
      await ping().catch(() => {
        if (closed || holderOf(join(dataDir, 'warden.pid')) !== pid) return;
        log.error('leases have run out and the warden does not answer: killing it, and its jobs with it');
        send(pid, 'SIGKILL');
      });
    },
    close: () => {
      closed = true;
      link?.close();
    },
  };
}
