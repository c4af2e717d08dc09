import { Problem } from '../../src/core/problem.ts';
import type { SyncRequest, SyncResponse } from '../../src/core/order.ts';
import type { Random } from './random.ts';
import type { Replica } from './replica.ts';
import type { Proc, Scheduler } from './scheduler.ts';

/** The way between one provider and the service; each fault holds until a time. */
export class Link {
  requestsLostUntilMs = 0;
  answersLostUntilMs = 0;
  slowUntilMs = 0;

  heal(): void {
    this.requestsLostUntilMs = this.answersLostUntilMs = this.slowUntilMs = 0;
  }
}

export type Reply =
  | { readonly kind: 'answer'; readonly answer: SyncResponse }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'silence' };

/** Messages take their time, get lost, come twice, overtake each other. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #replicas: () => readonly Replica[];
  /** Storm only: the odd message is lost or doubled although nothing is broken. */
  unreliable = true;
  syncs = 0;

  constructor(scheduler: Scheduler, random: Random, replicas: () => readonly Replica[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#replicas = replicas;
  }

  delayMs(link: Link): number {
    if (this.#scheduler.nowMs < link.slowUntilMs) return this.#random.int(200, 5_000);
    return this.unreliable && this.#random.chance(0.03)
      ? this.#random.int(100, 2_500)
      : this.#random.int(1, 25);
  }

  /** One call of an agent to whichever replica the load balancer gives it. */
  sync(caller: Proc, link: Link, provider: string, request: SyncRequest, timeoutMs: number): Promise<Reply> {
    return new Promise((resolve) => {
      const hangUp = new AbortController();
      this.#scheduler.in(timeoutMs, caller, () => {
        hangUp.abort(new Error('the caller hung up'));
        resolve({ kind: 'silence' });
      });
      const copies = this.unreliable && this.#random.chance(0.03) ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1)
        this.#deliver(caller, link, provider, request, hangUp.signal, resolve);
    });
  }

  #deliver(
    caller: Proc,
    link: Link,
    provider: string,
    request: SyncRequest,
    signal: AbortSignal,
    reply: (reply: Reply) => void,
  ): void {
    const sent = JSON.stringify(request);
    this.#scheduler.in(this.delayMs(link), null, () => {
      const up = this.#replicas().filter(({ proc }) => proc.alive);
      if (this.#lost(link.requestsLostUntilMs) || up.length === 0) return;
      const replica = this.#random.pick(up);
      this.syncs += 1;
      void replica
        .sync(provider, JSON.parse(sent) as SyncRequest, signal)
        .then((answer): Reply => ({
          kind: 'answer',
          answer: JSON.parse(JSON.stringify(answer)) as SyncResponse,
        }))
        .catch((error: unknown): Reply => {
          if (error instanceof Problem) return { kind: 'problem', problem: error };
          replica.unexpected('sync', error);
          return { kind: 'silence' };
        })
        .then((answer) => {
          if (answer.kind === 'silence' || this.#lost(link.answersLostUntilMs)) return;
          this.#scheduler.in(this.delayMs(link), caller, () => {
            if (!this.#lost(link.answersLostUntilMs)) reply(answer);
          });
        });
    });
  }

  #lost(untilMs: number): boolean {
    return this.#scheduler.nowMs < untilMs || (this.unreliable && this.#random.chance(0.01));
  }
}
