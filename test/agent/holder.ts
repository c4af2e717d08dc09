import { openExecutor } from '../../src/agent/executor.ts';
import { raisePriority } from '../../src/agent/priority.ts';
import { openDepot } from './rig.ts';
import { quiet } from '../harness/log.ts';
import { upMs } from '../../src/agent/clock.ts';
import type { Order } from '../../src/core/order.ts';

/**
 * An agent's executor as a process of its own, so that it can be frozen and killed: starts the orders of argv[3] in
 * the data folder argv[2], renews their leases of argv[4] ms for as long as it lives, and says what it sees.
 */
const [dataDir = '', orders = '[]', leaseMs = '6000'] = process.argv.slice(2);
raisePriority();
const executor = await openExecutor({
  dataDir,
  uplink: openDepot(dataDir),
  gpus: [],
  host: '127.0.0.1',
  log: quiet,
  path: process.env['PATH'],
  saveMs: 5_000,
  idleMs: 1_000,
  busyMs: 500,
  onChange: () => undefined,
});
const deadline = (): number => upMs() + Number(leaseMs);
for (const order of JSON.parse(orders) as Order[]) executor.start(order, deadline());
setInterval(() => {
  const seen = executor.observations();
  void executor.alive().then(
    () =>
      executor.renew(
        seen.map(({ allocationId }) => allocationId),
        deadline(),
      ),
    () => undefined,
  );
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}, 100);
