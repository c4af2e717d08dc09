/** `place`: there is work to place. `effects`: a push provider has orders to carry out. */
export const TOPICS = ['place', 'effects'] as const;
export type Topic = (typeof TOPICS)[number];

/**
 * The queue's hint. A lost, doubled or late one changes latency, never outcome: everything that a hint would have
 * started is found by the sweep too.
 */
export interface Bell {
  /** Never waits, never throws; many rings shortly after each other become one. */
  ring(topic: Topic): void;
  /** Calls `handler` for each hint, one at a time per topic in this process. */
  listen(handler: (topic: Topic) => Promise<void>): Promise<void>;
  state(): { readonly backend: 'redis' | 'postgres' | 'none'; readonly ok: boolean; readonly detail: string };
  close(): Promise<void>;
}
