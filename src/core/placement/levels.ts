import type { LeveledRules, PlacementRules } from '../rules.ts';
import { brokenByProvider, passes } from './eligible.ts';
import { ON_DEMAND, SPOT } from './market.ts';
import type { Pass } from './pass.ts';
import type { Request } from './request.ts';
import { bit, type RuleName } from './rules.ts';

/** Which levels' rules an offer breaks: what an explanation names, as a tenant can change only its own. */
export function breakers(rule: RuleName, { levels }: Request, view: Pass, position: number): LeveledRules[] {
  return levels.filter(({ rules }) => breaks(rule, rules, view, position));
}

function breaks(rule: RuleName, rules: PlacementRules, view: Pass, position: number): boolean {
  const { columns, regions } = view.market;
  if (rule === 'regions') return !passes(rules.regions, regions[columns.region[position] ?? 0] ?? '');
  if (rule === 'spot') {
    const sold = columns.sold[position] ?? 0;
    return rules.spot === 'never' ? (sold & ON_DEMAND) === 0 : rules.spot === 'only' && (sold & SPOT) === 0;
  }
  const provider = view.providers[columns.provider[position] ?? 0];
  if (!provider) return false;
  const at = { now: view.now, policies: view.state.policies };
  return (brokenByProvider(rules, provider, at) & bit(rule)) !== 0;
}

/** "(a rule of project kogpt)", after what the rule found; nothing where it is the job's own. */
export function possessive({ level, name }: LeveledRules): string {
  return level === 'job' ? '' : ` (a rule of ${level} ${name})`;
}
