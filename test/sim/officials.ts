import type { OfferTerms } from '../../src/core/offer-set.ts';
import type { PolicyName } from '../../src/core/policy.ts';
import type { RuleSet } from '../../src/core/rules.ts';
import { attestProvider } from '../../src/flows/attestProvider.ts';
import { patchProvider } from '../../src/flows/patchProvider.ts';
import { putPolicy } from '../../src/flows/putPolicy.ts';
import { putRules } from '../../src/flows/putRules.ts';
import { replaceOffers } from '../../src/flows/replaceOffers.ts';
import type { ProviderPatch } from '../../src/store/apply/providers.ts';
import type { RulesOwner } from '../../src/store/apply/rules.ts';
import type { Door } from './door.ts';
import {
  ADMIN,
  OPERATOR,
  ORGANIZATIONS,
  PROJECT_NAMES,
  PROJECTS,
  type Project,
  type Vendor,
} from './market.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { CAPACITY_CLASSES, DATA_GRADES, GPU_SPEEDS, RULE_SETS } from './wishes.ts';

const POLICIES: readonly PolicyName[] = ['data-grades', 'data-grades', 'capacity-classes', 'gpu-speeds'];
const REQUEST = 'req';

/** Who says where work may run: organizations and projects, administrators, vendors and who vouches for them. */
export class Officials {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #door: Door;
  readonly #vendors: readonly Vendor[];

  constructor(scheduler: Scheduler, random: Random, door: Door, vendors: readonly Vendor[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#door = door;
    this.#vendors = vendors;
  }

  setRules(): void {
    const rules = this.#random.pick(RULE_SETS);
    if (this.#random.chance(0.4)) this.#putRules('organization', this.#random.pick(ORGANIZATIONS), rules);
    else this.#putRules('project', this.#random.pick(PROJECT_NAMES), rules);
  }

  /** So that a job of this project may run anywhere. */
  freeOfRules(project: Project): void {
    this.#putRules('organization', PROJECTS[project].organization, RULE_SETS[0]!);
    this.#putRules('project', project, RULE_SETS[0]!);
  }

  setPolicy(): void {
    const name = this.#random.pick(POLICIES);
    const [grades, classes, speeds] = [
      this.#random.pick(DATA_GRADES),
      this.#random.pick(CAPACITY_CLASSES),
      this.#random.pick(GPU_SPEEDS),
    ];
    this.#door.ask(`policy ${name}`, ({ deps }) => {
      if (name === 'data-grades') return putPolicy(deps, ADMIN, name, null, grades, REQUEST);
      if (name === 'capacity-classes') return putPolicy(deps, ADMIN, name, null, classes, REQUEST);
      return putPolicy(deps, ADMIN, 'gpu-speeds', null, speeds, REQUEST);
    });
  }

  /** Less of a pool, or of its CPUs, and some time later all of it again. */
  changePool(): void {
    const vendor = this.#random.pick(this.#vendors.filter(({ pools }) => pools.length > 0));
    const pools = vendor.pools.map((pool) => ({
      ...pool,
      gpus: this.#random.int(0, pool.gpus),
      cpuMillis: this.#random.pick([pool.cpuMillis, 8_000, 16_000]),
    }));
    this.#replace(`pool of ${vendor.name}`, vendor, vendor.offers, pools);
    this.#scheduler.in(this.#random.int(500, 10_000), null, () => this.restore(vendor));
  }

  /** One offer is another shape for some time, or leaves its pool. */
  reshapeOffer(): void {
    const vendor = this.#random.pick(this.#vendors);
    const chosen = this.#random.pick(vendor.offers);
    const changed: OfferTerms = this.#random.pick([
      { ...chosen, pool: null },
      { ...chosen, cpus: chosen.cpus / 4 },
      { ...chosen, gpuCount: Math.min(1, chosen.gpuCount) },
      { ...chosen, gpuFormFactor: chosen.gpuModel === null ? null : 'PCIe' },
    ]);
    const offers = vendor.offers.map((offer) => (offer === chosen ? changed : offer));
    this.#replace(`reshape ${vendor.name}/${chosen.name}`, vendor, offers, vendor.pools);
    this.#scheduler.in(this.#random.int(1_000, 10_000), null, () => this.restore(vendor));
  }

  attest(): void {
    const { name } = this.#random.pick(this.#vendors);
    this.#door.ask(`attest ${name}`, ({ deps }) => attestProvider(deps, OPERATOR, name, null, REQUEST));
  }

  /** A vendor says something else of itself, which nobody has vouched for; some time later somebody looks at it. */
  restate(): void {
    const { name, realm, certifications } = this.#random.pick(this.#vendors);
    const vendor = { ...OPERATOR, id: name, role: 'vendor', vendor: name } as const;
    const said = this.#random.pick<ProviderPatch>([
      { certifications: [] },
      { realm: 'government' as const, certifications: [...certifications] },
      { certifications: certifications.map((one) => ({ ...one, grade: 'high' })) },
    ]);
    this.#door.ask(`${name} restates`, ({ deps }) => patchProvider(deps, vendor, name, null, said, REQUEST));
    this.#scheduler.in(this.#random.int(1_000, 15_000), null, () => {
      const truth = { realm, certifications: [...certifications] };
      this.#door.ask(`${name} is looked at`, ({ deps }) =>
        patchProvider(deps, OPERATOR, name, null, truth, REQUEST),
      );
    });
  }

  /** Everything that the vendor sold in the beginning. */
  restore(vendor: Vendor): void {
    this.#replace(`restore ${vendor.name}`, vendor, vendor.offers, vendor.pools);
  }

  #replace(what: string, { name }: Vendor, offers: Vendor['offers'], pools: Vendor['pools']): void {
    this.#door.ask(what, ({ deps }) => replaceOffers(deps, OPERATOR, name, offers, REQUEST, pools));
  }

  #putRules(owner: RulesOwner, name: string, rules: RuleSet): void {
    this.#door.ask(`rules of ${name} no. ${RULE_SETS.indexOf(rules)}`, ({ deps }) =>
      putRules(deps, ADMIN, { owner, name }, null, rules, REQUEST),
    );
  }
}
