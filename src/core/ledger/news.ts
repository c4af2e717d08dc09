import type { WebhookEvent } from './words.ts';

/** Something about money that whoever asked for it is told. */
export interface BudgetNews {
  readonly event: WebhookEvent;
  readonly organization: string;
  readonly data: Readonly<Record<string, unknown>>;
}
