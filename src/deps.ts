import type { Logger } from 'pino';
import type { Broker } from '../brokers/broker.ts';
import type { Bell } from './bell.ts';
import type { CheckpointStorage } from './checkpoints.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Terms } from './core/ledger/run.ts';
import type { Timing } from './core/timing.ts';
import type { Ids } from './ids.ts';
import type { Metrics } from './metrics.ts';
import type { Post } from './post.ts';
import type { Rehearsed, Rehearsing } from './rehearsal/rehearse.ts';
import type { ProviderRow, Store } from './store/store.ts';
import type { OrdersWatch } from './watch.ts';

/** Everything that a flow may use. Constructed in one place for the service, and in another for the simulation. */
export interface Deps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly store: Store;
  readonly bell: Bell;
  readonly watch: OrdersWatch;
  readonly log: Logger;
  readonly config: Config;
  readonly timing: Timing;
  /** The same timing as money and leases need it, and whose days they are counted by. */
  readonly terms: Terms;
  readonly metrics: Metrics;
  readonly checkpoints: CheckpointStorage;
  /** Calls what tenants name. */
  readonly post: Post;
  /** Plays what would happen on a copy of the world: the simulator of drills. */
  rehearse(asked: Rehearsing): Promise<Rehearsed>;
  /** The hands for a provider; made once and kept while its settings stay the same. */
  broker(provider: Pick<ProviderRow, 'name' | 'brokerKind' | 'brokerSettings'>): Broker;
}
