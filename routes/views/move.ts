import type { z } from 'zod';
import type { Move } from '../../src/core/moves.ts';
import type { move } from '../schemas/move.ts';
import { time } from './time.ts';

export function renderMove(one: Move): z.output<typeof move> {
  const { checkpoint } = one;
  return {
    ...one,
    faultAt: one.faultAt.toISOString(),
    suspectedAt: time(one.suspectedAt),
    downAt: time(one.downAt),
    fencedAt: time(one.fencedAt),
    decidedAt: time(one.decidedAt),
    startedAt: time(one.startedAt),
    servingAt: time(one.servingAt),
    checkpoint: checkpoint && { ...checkpoint, savedAt: time(checkpoint.savedAt) },
  };
}
