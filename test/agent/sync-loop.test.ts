import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import type { Executor } from '../../src/agent/executor.ts';
import type { PaidWord } from '../../src/agent/paid.ts';
import { createSyncLoop, type SyncLoop } from '../../src/agent/syncLoop.ts';
import type { Inventory, SyncRequest } from '../../src/core/order.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** An executor that has nothing: what is tested is the conversation. */
const idle = {
  alive: async () => {},
  observations: () => [],
  renew: () => {},
  pay: () => {},
} as unknown as Executor;

/** A service that answers each call by the next of these; resolves with what was asked, when they are used up. */
async function converse(
  answers: readonly ((response: ServerResponse) => void)[],
  executor: Executor = idle,
): Promise<SyncRequest[]> {
  const asked: SyncRequest[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const hear = async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const answer = answers[asked.length];
    if (answer === undefined) return resolve();
    asked.push(JSON.parse(text) as SyncRequest);
    answer(response);
  };
  const server = createServer((request, response) => void hear(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const loop: SyncLoop = createSyncLoop({
    door: { base, key: 'k' },
    executor,
    instanceId: 'i',
    agentVersion: '1',
    inventory: () => ({}) as Inventory,
    log: pino({ level: 'silent' }),
    onServing: () => {},
    watch: { pending: () => [], heard: () => {} },
  });
  const running = loop.run();
  ends.push(async () => {
    loop.close();
    server.closeAllConnections();
    await Promise.all([running, new Promise((closed) => server.close(closed))]);
  });
  await done;
  return asked;
}

const well =
  (ordersVersion: number, more: object = {}) =>
  (response: ServerResponse) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ ordersVersion, leaseSeconds: 6, start: [], keep: [], stop: [], forget: [], ...more }),
    );
  };

test('after a call that failed the next one asks to be answered at once, and then they are held again', async () => {
  const asked = await converse([
    well(7),
    well(7),
    (response) => response.destroy(),
    (response) => response.writeHead(503).end(),
    well(8),
    well(8),
  ]);
  expect(asked.map(({ ordersVersion }) => ordersVersion)).toEqual([null, 7, 7, null, null, 8]);
});

test('what is paid is passed on, and a service that does not speak of it changes nothing', async () => {
  const words: (readonly PaidWord[])[] = [];
  const pays = { ...idle, pay: (paid: readonly PaidWord[]) => words.push(paid) } as unknown as Executor;
  const paid = [{ allocationId: 'alc-1', paidSeconds: 7_200 }];
  await converse([well(7), well(8, { paid })], pays);
  expect(words).toEqual([[], paid]);
});
