import { canonicalGpu } from '../../src/core/gpu.ts';
import type { PlacementOffer, PlacementProvider, World } from '../../src/core/placement/types.ts';
import type { Policies } from '../../src/core/policy.ts';
import { NO_RULES } from '../../src/core/rules.ts';
import { Chance } from './chance.ts';
import { hasPublicMarket, listedMachines, type ListedMachine } from './market-data.ts';
import { countryOf } from './market-places.ts';

export const NOW = new Date('2026-11-22T12:00:00Z');

/** What the offers are made of: a note for the tables. */
export const MARKET_FROM = hasPublicMarket
  ? 'Offers are made of the 2,924 machines of 18 public price lists (a provider for each cloud and country); more than that are the same under other providers’ names, 10 % dearer or cheaper.'
  : 'MADE-UP OFFERS, as the public price lists are not there (NARU_TEST_DATA): eight models, round sizes, random prices. Real lists have more shapes.';

const GPU_SPEEDS = [
  ['K80', 0.05],
  ['T4', 0.15],
  ['P100', 0.2],
  ['V100-16GB', 0.4],
  ['V100-32GB', 0.4],
  ['A10G', 0.4],
  ['L4', 0.35],
  ['A100-40GB', 0.9],
  ['A100-80GB', 1],
  ['H100', 2],
  ['H200', 2.3],
  ['B200', 4],
] as const;

/** Only to be a load: the installed tables have sources. */
const POLICIES: Policies = {
  dataGrades: [
    {
      grade: 'open',
      realms: ['public', 'government', 'on-premises'],
      countries: ['KR', 'JP', 'US'],
      certification: null,
      validFrom: '2020-01-01T00:00:00Z',
      validUntil: null,
      note: 'made up',
    },
  ],
  capacityClasses: [
    {
      name: 'large',
      members: ['A100-80GB', 'H100', 'H200', 'B200'].map((model) => ({
        model,
        formFactor: null,
        minMemoryGiB: 80,
      })),
      note: 'made up',
    },
  ],
  gpuSpeeds: GPU_SPEEDS.map(([model, speed]) => ({ model, speed, note: 'made up' })),
};

/** A world of so many offers, some of them partly taken; ten organizations of which three have rules, ten projects that have some. */
export function marketOf(count: number): World {
  const chance = new Chance(count);
  const machines = hasPublicMarket ? listedMachines() : madeUp(chance);
  const offers = Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / machines.length);
    return offerOf(machines[index % machines.length] as ListedMachine, index, round, chance);
  });
  const names = [...new Set(offers.map(({ provider }) => provider))];
  return {
    now: NOW,
    currency: 'KRW',
    rates: new Map([['USD', 1_386_500_000n]]),
    providers: names.map((name) => providerOf(name, chance)),
    offers,
    pools: [],
    rules: {
      organizations: new Map([
        ['org-1', { ...NO_RULES, countries: ['KR', 'JP', 'US', 'DE', 'GB'] }],
        ['org-2', { ...NO_RULES, providers: { allow: [], deny: ['vast-US', 'lium-RU'] } }],
        ['org-3', { ...NO_RULES, maxPricePerHour: { amount: '150000', currency: 'KRW' } }],
      ]),
      projects: new Map(
        Array.from({ length: 10 }, (_, index) => [
          `project-${5 * index}`,
          index % 2 === 0
            ? { ...NO_RULES, maxPricePerHour: { amount: String(20 + 10 * index), currency: 'USD' } }
            : { ...NO_RULES, dataGrade: 'open' as const, spot: 'never' as const },
        ]),
      ),
    },
    policies: POLICIES,
  };
}

function offerOf(machine: ListedMachine, index: number, round: number, chance: Chance): PlacementOffer {
  const { cloud, region, gpu, gpuCount, gpuMemoryGiB, cpus, memoryGiB } = machine;
  const identity = canonicalGpu(gpu, gpuMemoryGiB || null);
  const factor = round === 0 ? 1 : 0.9 + chance.roll(2_001) / 10_000;
  const micros = (dollars: number | null) =>
    dollars === null ? null : BigInt(Math.round(dollars * factor * 1e6));
  const capacity = 1 + chance.roll(8);
  return {
    provider: `${cloud}-${countryOf(cloud, region)}${round === 0 ? '' : `-${round}`}`,
    name: `${machine.instance}-${machine.zone || region}-${index}`,
    region,
    gpuModel: identity.model,
    gpuCount,
    gpuMemoryGiB: identity.memoryGiB ?? gpuMemoryGiB,
    gpuFormFactor: identity.formFactor,
    cpus,
    memoryGiB,
    capacity,
    used: chance.percent(20) ? chance.roll(capacity + 1) : 0,
    priceMicrosPerHour: micros(machine.dollars),
    spotPriceMicrosPerHour: micros(machine.spotDollars),
    currency: 'USD',
    pool: null,
    effectiveFrom: null,
  };
}

function providerOf(name: string, chance: Chance): PlacementProvider {
  const [vendor = '', country = ''] = name.split('-');
  return {
    name,
    vendor,
    site: { city: name, country, region: country, latitude: 37, longitude: 127 },
    realm: 'public',
    certifications: [],
    attested: true,
    verifiedUntil: null,
    mode: 'active',
    health: chance.percent(3) ? 'down' : 'healthy',
    healthSince: new Date(NOW.getTime() - chance.pick([30, 300, 86_400]) * 1_000),
    brokerKind: 'agent',
    multiNode: chance.percent(50),
    recentRefusals: chance.percent(10) ? 1 + chance.roll(3) : 0,
  };
}

const MODELS = [
  ['H100', 80],
  ['H200', 141],
  ['A100-80GB', 80],
  ['A100-40GB', 40],
  ['L40S', 48],
  ['L4', 24],
  ['T4', 16],
  ['V100-16GB', 16],
] as const;

/** As many as the public lists have. */
function madeUp(chance: Chance): ListedMachine[] {
  return Array.from({ length: 2_924 }, (_, index) => {
    const [gpu, gpuMemoryGiB] = chance.pick(MODELS);
    const gpuCount = 2 ** chance.roll(4);
    const dollars = gpuCount * (0.5 + chance.roll(4_000) / 1_000);
    const region = chance.pick(['kr-1', 'jp-1', 'us-1', 'us-2', 'de-1']);
    const cloud = `cloud${index % 18}`;
    const size = { gpu, gpuCount, gpuMemoryGiB, cpus: gpuCount * 12, memoryGiB: gpuCount * 128 };
    const spotDollars = chance.percent(70) ? dollars / 2 : null;
    return { cloud, region, zone: '', instance: `x${gpuCount}`, ...size, dollars, spotDollars };
  });
}
