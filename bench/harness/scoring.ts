import { fits, type Host, type Policy, type TaskShape } from './cluster.ts';
import type { OpenbNode } from './openb.ts';
import { measured } from './stats.ts';

const ROUNDS = 7;

/** Nanoseconds that each policy takes to score one host for one task, over all that fit; taking turns, the median. */
export function nanosecondsPerScore(
  nodes: readonly OpenbNode[],
  shapes: readonly TaskShape[],
  policies: readonly Policy[],
): number[] {
  const hosts = nodes.filter((node) => node.gpus > 0).map((total) => ({ ...total, total }));
  for (const policy of policies) policy.refresh?.(hosts);
  const rounds = Array.from({ length: ROUNDS }, () => policies.map((policy) => once(hosts, shapes, policy)));
  return policies.map((_, index) => measured(rounds.map((times) => times[index] ?? NaN)).median);
}

function once(hosts: readonly Host[], shapes: readonly TaskShape[], policy: Policy): number {
  let [scores, sum] = [0, 0];
  const started = performance.now();
  for (const shape of shapes) {
    for (const [index, host] of hosts.entries()) {
      if (!fits(host, shape)) continue;
      sum += policy.score(host, shape, index);
      scores += 1;
    }
  }
  const nanoseconds = (1e6 * (performance.now() - started)) / scores;
  // Used, so that the loop is not optimised away.
  return Number.isNaN(sum) ? NaN : nanoseconds;
}
