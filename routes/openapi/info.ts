import type { OpenAPIV3_1 } from 'openapi-types';

export const INFO = {
  openapi: '3.1.0',
  info: {
    title: 'Naru',
    version: '1.0.0',
    summary: 'A broker of GPUs over many clouds.',
    description: [
      'Takes AI jobs, places them on the cheapest or surest provider, and moves them when a provider is lost: never lost, never doubled, always explained.',
      '',
      '**Keys.** `Authorization: Bearer <key>`. An id that belongs to somebody else answers 404, exactly as one that does not exist.',
      '',
      '**Bodies** are strict JSON: an unknown field is refused, and named. Times are RFC 3339 in UTC, durations whole seconds (`…Seconds`), money is a decimal string and its currency, ids are opaque.',
      '',
      '**Refusals** are `application/problem+json` (RFC 9457); `type` is the path of a page that says what to do.',
      '',
      '**Repeating.** Every creating POST takes an `Idempotency-Key`: the same key and body within a day get the first answer again.',
      '',
      '**Lists** are `{items, nextCursor}`, newest first unless said; `limit` is 50, at most 500.',
    ].join('\n'),
  },
  servers: [{ url: '/', description: 'This service.' }],
  tags: [
    { name: 'Jobs', description: 'What tenants want done, and what became of it.' },
    { name: 'Quotes', description: 'What a job would get and cost now, and a price that is held for it.' },
    { name: 'Providers', description: 'Places that run jobs.' },
    { name: 'Offers', description: 'Capacity that can be bought now.' },
    { name: 'Exchange rates', description: "What other currencies are worth in the installation's own." },
    {
      name: 'Budgets',
      description:
        'Who may spend how much, and what became of it. Money is held before work starts, so that a cap holds.',
    },
    {
      name: 'Rules',
      description:
        'Where the work of an organization or a project may run. A place has to keep the rules of every level: organization, project and job.',
    },
    {
      name: 'Policies',
      description:
        'What changes with the law and the market rather than with the program: which places may carry data of which grade, which GPUs stand in for each other, how fast they are.',
    },
    {
      name: 'Costs',
      description: 'What was used and what it cost, exact to the millionth; bills that become final.',
    },
    {
      name: 'Drills',
      description:
        'Planned failovers: what would happen, what did happen, and what that proves. Their reports are signed.',
    },
    { name: 'Webhooks', description: 'Being told of events by signed requests.' },
    { name: 'People', description: 'Tenants, projects and keys.' },
    { name: 'Audit', description: 'What was done, chained so that nobody can change it unnoticed.' },
    { name: 'Agents', description: "The door of a vendor's agent; its own key opens it and nothing else." },
    { name: 'Operations', description: 'For whoever runs the service; no key is asked for.' },
  ],
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'A key; see People.' } },
  },
} satisfies Partial<OpenAPIV3_1.Document>;
