import type { z } from 'zod';
import { NOWHERE_TITLES } from '../../src/core/messages.ts';
import { toWire } from '../../src/core/money.ts';
import { summaryOf, type JobPlace, type Readiness } from '../../src/core/readiness.ts';
import type { readiness, readinessPage } from '../schemas/readiness.ts';
import type { Shown } from './job.ts';

export function renderReadiness(one: Readiness, shown: Shown): z.output<typeof readiness> {
  const { from, to, nowhere } = one;
  const { currency, language } = shown;
  return {
    ...one,
    from: placed(from, currency),
    to: to && {
      ...placed(to, currency),
      priceChangePerHour: toWire(to.priceMicrosPerHour - from.priceMicrosPerHour, currency),
    },
    nowhere: nowhere && { ...nowhere, title: NOWHERE_TITLES[nowhere.reason][language] },
  };
}

function placed({ priceMicrosPerHour, ...place }: JobPlace, currency: string) {
  return { ...place, pricePerHour: toWire(priceMicrosPerHour, currency) };
}

export function renderSummary(items: readonly Readiness[]): z.output<typeof readinessPage>['summary'] {
  const { byProvider, byReason, ...all } = summaryOf(items);
  return { ...all, byProvider: [...byProvider], byReason: [...byReason] };
}
