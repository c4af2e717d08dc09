import type { Turn } from './turn.ts';
import type { Pass } from './pass.ts';

export function exchange(_pass: Pass, _turns: readonly Turn[]): void {}
