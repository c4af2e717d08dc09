import { afterAll, beforeAll, expect, it } from 'vitest';
import { noteOnce } from '../../src/flows/listen.ts';
import { healthPass } from '../../src/flows/health.ts';
import { scopePass } from '../../src/flows/scopes.ts';
import { openDoor, populate, type Door, type Town } from './door.ts';

let door: Door;
let keys: Town['keys'];
beforeAll(async () => {
  door = await openDoor();
  ({ keys } = await populate(door));
});
afterAll(() => door.close());

const fault = (over: object = {}) => ({
  id: 'boot:1',
  agoMs: 10,
  device: '0000:3b:00',
  index: 0,
  model: 'NVIDIA H100 80GB HBM3',
  xid: 48,
  text: 'DBE',
  ...over,
});
let sequence = 0;
const sync = (over: object = {}) =>
  door.call('POST', '/v1/agent/sync', keys.agent).send({
    agentVersion: '0.1.0',
    instanceId: 'one',
    sequence: (sequence += 1),
    inventory: {
      hostname: 'gpu-01',
      gpus: [0, 1].map((index) => ({ index, model: 'NVIDIA H100 80GB HBM3', memoryGiB: 80 })),
      cpus: 8,
      memoryGiB: 64,
      limits: 'none',
    },
    ordersVersion: null,
    observations: [],
    ...over,
  });
/** What the engine does four times a second. */
const judge = async () => {
  await noteOnce(door.deps);
  await scopePass(door.deps);
  await healthPass(door.deps);
};
const health = async () => (await door.get('/v1/providers/pangyo').expect(200)).body.health as object;

it('an agent of before says nothing of faults, and a new one has to say them well', async () => {
  await sync().expect(200);
  await sync({ gpuFaults: [fault({ xid: 'many' })] }).expect(400);
  await sync({ gpuFaults: [fault({ temperature: 90 })] }).expect(400);
  await sync({ gpuFaults: Array.from({ length: 21 }, (_, n) => fault({ id: `boot:${n}` })) }).expect(400);
  await judge();
  expect(await health()).toMatchObject({ state: 'healthy', control: 'unknown', data: 'healthy', parts: [] });
});

it('a fault that kills work shuts the model, said once however often it is reported', async () => {
  await sync({ gpuFaults: [fault(), fault({ id: 'boot:2', xid: 31 })] }).expect(200);
  await sync({ gpuFaults: [fault()] }).expect(200);
  await judge();
  // A part is all that it sells, so it is the whole.
  await judge();
  const reason = 'XID 48 on GPU 0 (0000:3b:00): double-bit memory error';
  expect(await health()).toMatchObject({
    state: 'degraded',
    control: 'unknown',
    data: 'degraded',
    reasons: [`H100: ${reason}`],
    parts: [{ region: null, gpuModel: 'H100', plane: 'data', state: 'degraded', reason }],
  });
});

it('its history says what each verdict was made from, to its own vendor too', async () => {
  const read = (key: string) => door.call('GET', '/v1/providers/pangyo/health', key);
  const { items } = (await read(keys.vendor).expect(200)).body as { items: { samples: object[] }[] };
  expect(items.slice(0, 2)).toMatchObject([
    { source: 'verdict', plane: 'data', region: null, gpuModel: null, state: 'degraded' },
    { source: 'verdict', plane: 'data', region: null, gpuModel: 'H100', state: 'degraded' },
  ]);
  expect(items[1]?.samples).toEqual([
    {
      at: expect.any(String) as string,
      kind: 'gpu-fault',
      good: false,
      allocationId: null,
      detail: 'XID 48 on GPU 0 (0000:3b:00): double-bit memory error',
    },
  ]);
  await read(keys.auditor).expect(200);
  await read(keys.otherVendor).expect(404);
});

it('whoever waits for it is told which part is sick, by a quote too', async () => {
  const ask = { name: 'small', project: 'kogpt', kind: 'training', run: { command: ['true'] } };
  const gpu = { count: 8, models: ['H100'] };
  const { body } = await door.post('/v1/quotes', { ...ask, resources: { gpu } }).expect(200);
  expect(body.candidates).toEqual([]);
  expect(body.rejected).toContainEqual({
    provider: 'pangyo',
    offer: 'h100x8',
    rule: 'health',
    detail: 'provider pangyo is degraded: H100 is degraded',
  });
});
