import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Everything that can happen to a world while the storm lasts. */
type Deed = (world: World, random: Random) => void;

const agentOf = (world: World, random: Random) => random.pick(world.agents);
const pushedOf = (world: World, random: Random) => random.pick([...world.pushed.values()]);
const linkOf = (world: World, random: Random) =>
  random.pick([...world.agents, ...world.pushed.values()]).link;

/** Long enough to be given up for, more often than not. */
const outage = (random: Random) => (random.chance(0.3) ? random.int(300, 4_000) : random.int(4_000, 14_000));

/** Where a flow has looked and is about to write what it concluded. */
const BEFORE_ACTING = [
  'place:writePage',
  'place:writePage',
  'health:enforce',
  'push:believe',
  'push:believe',
  'sync:hear',
  'expire:',
  'submit:write',
];

export const DEEDS = {
  submit: (world) => world.workload.submit(),
  quote: (world) => world.shopper.quote(),
  misuse: (world) => world.workload.misuse(),
  cancel: (world) => world.workload.cancel(),
  move: (world) => world.workload.move(),
  drain: (world) => world.workload.drain(),
  changeOffer: (world) => world.workload.changeOffer(),
  withdrawOffer: (world) => world.workload.withdrawOffer(),
  vendorWord: (world) => world.workload.vendorWord(),
  setRules: (world) => world.officials.setRules(),
  setPolicy: (world) => world.officials.setPolicy(),
  changePool: (world) => world.officials.changePool(),
  reshapeOffer: (world) => world.officials.reshapeOffer(),
  attest: (world) => world.officials.attest(),
  restate: (world) => world.officials.restate(),
  drill: (world) => world.drillers.drill(),
  prove: (world) => world.drillers.prove(),
  fund: (world) => world.officers.fund(),
  reconsider: (world) => world.officers.reconsider(),
  lend: (world) => world.officers.lend(),
  answer: (world) => world.officers.answer(),
  nothing: () => undefined,
  agentAlone: (world, random) => agentOf(world, random).crash('alone', random.int(100, 9_000)),
  agentChildren: (world, random) => agentOf(world, random).crash('with-children', outage(random)),
  agentRecords: (world, random) => agentOf(world, random).crash('records-lost', outage(random)),
  agentFrozen: (world, random) => agentOf(world, random).freeze(outage(random)),
  agentRefuses: (world, random) =>
    void (agentOf(world, random).refuseUntilMs = world.scheduler.nowMs + random.int(500, 5_000)),
  agentLies: (world, random) =>
    void (agentOf(world, random).lieUntilMs = world.scheduler.nowMs + random.int(500, 8_000)),
  siteSlow: (world, random) =>
    void (agentOf(world, random).site.slowUntilMs = world.scheduler.nowMs + random.int(500, 8_000)),
  /** Half-dead: it is heard, what runs goes on, and nothing starts. */
  siteStuck: (world, random) =>
    void (random.pick([...world.agents, ...world.pushed.values()]).site.stuckUntilMs =
      world.scheduler.nowMs + random.int(4_000, 15_000)),
  pushLocked: (world, random) =>
    void (pushedOf(world, random).lockedUntilMs = world.scheduler.nowMs + random.int(2_000, 12_000)),
  agentFull: (world, random) =>
    void (agentOf(world, random).fullUntilMs = world.scheduler.nowMs + random.int(500, 8_000)),
  gpuFault: (world, random) => agentOf(world, random).gpuFault(random.pick([13, 31, 43, 63, 48, 79])),
  requestsLost: (world, random) =>
    void (linkOf(world, random).requestsLostUntilMs = world.scheduler.nowMs + outage(random)),
  answersLost: (world, random) =>
    void (linkOf(world, random).answersLostUntilMs = world.scheduler.nowMs + outage(random)),
  /** Our own: nobody hears us, and we hear nobody. */
  networkLost: (world, random) => {
    const until = world.scheduler.nowMs + outage(random);
    for (const { link } of world.agents) link.requestsLostUntilMs = Math.max(link.requestsLostUntilMs, until);
  },
  linkSlow: (world, random) =>
    void (linkOf(world, random).slowUntilMs = world.scheduler.nowMs + outage(random)),
  powerLost: (world, random) => pushedOf(world, random).crash(outage(random)),
  pushRefuses: (world, random) =>
    void (pushedOf(world, random).refuseUntilMs = world.scheduler.nowMs + random.int(500, 5_000)),
  replicaDies: (world, random) => {
    const up = world.replicas.filter(({ proc }) => proc.alive);
    if (up.length > 0) random.pick(up).proc.crash = random.pick(['before', 'after']);
    world.scheduler.in(random.int(100, 6_000), null, () => {
      if (world.replicas.filter(({ proc }) => proc.alive).length < 3) world.addReplica();
    });
  },
  replicaPauses: (world, random) => {
    const { proc } = random.pick(world.replicas);
    const ms = random.chance(0.6) ? random.int(50, 1_500) : random.int(1_500, 12_000);
    if (random.chance(0.7)) return void (proc.stall = { before: random.pick(BEFORE_ACTING), ms });
    world.scheduler.note(proc.name, `stands still for ${ms} ms`);
    proc.pausedUntilMs = world.scheduler.nowMs + ms;
  },
  /** A decision was made, and much may change before it is written. */
  replicaHesitates: (world, random) => {
    for (const { proc } of world.replicas)
      proc.stall = { before: 'place:writePage', ms: random.int(500, 5_000) };
  },
} satisfies Record<string, Deed>;

type Weights = Readonly<Partial<Record<keyof typeof DEEDS, number>>>;

export const PEOPLE = {
  submit: 14,
  quote: 2,
  misuse: 1,
  cancel: 3,
  move: 3,
  drain: 1,
  changeOffer: 2,
  withdrawOffer: 1,
  vendorWord: 1,
  setRules: 1,
  setPolicy: 0.5,
  changePool: 1,
  reshapeOffer: 0.5,
  attest: 0.5,
  restate: 0.5,
  prove: 1,
  nothing: 6,
} as Readonly<Record<keyof typeof DEEDS, number>>;

/** Of seeds from HALF_DEAD_FROM on: providers are well to talk to, and bad at their work. */
export const HALF_DEAD: readonly Weights[] = [
  { siteStuck: 4, pushLocked: 1, submit: 10, nothing: 4 },
  { gpuFault: 6, siteStuck: 1, submit: 6, vendorWord: 3 },
  { pushLocked: 4, agentFull: 6, agentRefuses: 3, submit: 8, move: 3 },
  {
    siteStuck: 3,
    gpuFault: 3,
    agentFull: 2,
    replicaPauses: 4,
    replicaHesitates: 4,
    requestsLost: 1,
    submit: 8,
  },
];
const HALF_DEAD_FROM = 1_000;

export function weatherOf(seed: number): Weights {
  const weathers = WEATHERS_FROM.findLast(([from]) => seed >= from)?.[1] ?? WEATHERS;
  return weathers[seed % weathers.length] ?? {};
}

/** Each seed has its own: when everything breaks at once, little is ever seen to go wrong for its own reason. */
export const WEATHERS: readonly Weights[] = [
  { nothing: 10 },
  { agentAlone: 2, agentChildren: 2, agentRecords: 1, agentFrozen: 2, agentRefuses: 1, siteSlow: 1 },
  { networkLost: 2, requestsLost: 2, answersLost: 2, linkSlow: 2, siteSlow: 1 },
  { replicaDies: 4, replicaPauses: 4, agentChildren: 1 },
  { powerLost: 2, pushRefuses: 2, requestsLost: 2, answersLost: 2, replicaPauses: 2, move: 6 },
  {
    agentAlone: 1,
    agentChildren: 1,
    agentRecords: 1,
    agentFrozen: 1,
    agentRefuses: 1,
    agentLies: 1,
    siteSlow: 1,
    requestsLost: 1,
    answersLost: 1,
    linkSlow: 1,
    powerLost: 1,
    pushRefuses: 1,
    replicaDies: 1,
    replicaPauses: 1,
  },
  { move: 10, cancel: 8, agentLies: 2, linkSlow: 1, replicaPauses: 2 },
  { replicaPauses: 14, replicaDies: 2, move: 6, cancel: 2, linkSlow: 1 },
  { replicaPauses: 14, changeOffer: 14, withdrawOffer: 6, drain: 5, agentFrozen: 2 },
  { replicaHesitates: 14, setRules: 12, setPolicy: 4, attest: 2, restate: 6, move: 6 },
  { quote: 12, changeOffer: 10, agentRefuses: 3, agentChildren: 2, move: 4 },
  { replicaHesitates: 14, changePool: 12, reshapeOffer: 8, changeOffer: 3, move: 6 },
  { drill: 12, prove: 4, agentChildren: 1, replicaDies: 2, replicaPauses: 2, move: 2 },
  { prove: 8, agentChildren: 4, agentFrozen: 2, requestsLost: 2, replicaPauses: 3, replicaDies: 1, move: 3 },
];

/** Most jobs must not stop, something is proved all the time, and single vendors are lost. */
const GUARDED: readonly Weights[] = [
  { prove: 14, requestsLost: 4, nothing: 20 },
  { prove: 14, agentFrozen: 3, agentChildren: 1, nothing: 20 },
  { prove: 14, requestsLost: 3, replicaPauses: 4, replicaDies: 1, move: 2, nothing: 10 },
];
/** Seeds from here on are of such worlds. */
export const GUARDED_FROM = 2_000;

/** What officers do all the time. */
const OFFICE: Weights = { fund: 5, reconsider: 4, lend: 2, answer: 5, submit: 14 };

/** Budgets stand above everybody, and are too small; while they are looked at, much breaks. */
const MONEY: readonly Weights[] = [
  { ...OFFICE, nothing: 4 },
  { ...OFFICE, agentFrozen: 2, requestsLost: 2, agentChildren: 1, linkSlow: 1 },
  { ...OFFICE, replicaPauses: 5, replicaDies: 2, replicaHesitates: 3, reconsider: 8 },
  { ...OFFICE, prove: 14, requestsLost: 4, agentFrozen: 1, nothing: 6 },
  { ...OFFICE, move: 6, cancel: 4, replicaPauses: 3, answersLost: 2 },
];
/** Seeds from here on are of such worlds. */
export const MONEY_FROM = 3_000;

/** So that older seeds keep their weather. */
const WEATHERS_FROM: readonly (readonly [from: number, weathers: readonly Weights[]])[] = [
  [HALF_DEAD_FROM, HALF_DEAD],
  [GUARDED_FROM, GUARDED],
  [MONEY_FROM, MONEY],
];
