import { describe, expect, it } from 'vitest';
import { chain, GENESIS } from '../../src/core/audit.ts';
import { SYSTEM } from '../../src/core/access.ts';
import { canonicalJson, sha256Hex, storableJson } from '../../src/core/canonical.ts';
import { auditSha256, evidenceOf } from '../../src/core/drill/evidence.ts';
import { FINDINGS, NOT_EXERCISED, type FindingCode } from '../../src/core/drill/findings.ts';
import { provedBy } from '../../src/core/drill/prove.ts';
import { reportOf, type DrillFacts, type DrillReport } from '../../src/core/drill/report.ts';
import { publicJwk, signJws, thumbprint, verifyJws } from '../../src/core/drill/signature.ts';
import { faultsOf } from '../../src/core/drill/verify.ts';
import { FINDING_TITLES, LABELS, NOT_EXERCISED_TITLES } from '../../src/core/drill/words.ts';
import { at, drilledJob, drillFacts, drillMove, drillProvider, drillSpec, NOW } from './drill-facts.ts';

describe('a report', () => {
  it('has both clocks, and the worse of the two measures of what was lost', () => {
    const { jobs, achieved, directions, cost, result } = reportOf(drillFacts());
    expect(result).toBe('passed');
    expect(jobs).toMatchObject([
      {
        result: 'recovered',
        rto: { targetSeconds: 60, fromFaultSeconds: 8.4, fromDeclarationSeconds: 3.4, met: true },
        // The checkpoint was 4 s old, and the canary had counted 5 s more.
        rpo: { targetSeconds: 30, achievedSeconds: 5, met: true },
        data: { intact: true },
        cost: { amount: '1.5', currency: 'KRW' },
      },
    ]);
    expect(achieved.rtoFromFaultSeconds).toEqual({ p50: 8.4, p90: 8.4, p99: 8.4, max: 8.4 });
    expect(achieved.rpoSeconds?.max).toBe(5);
    expect(directions).toMatchObject([{ from: 'pangyo', to: 'gwangju', km: 248, jobs: 1 }]);
    expect(cost).toEqual({ amount: '1.5', currency: 'KRW' });
  });

  it("holds a job against its own targets where the drill has none, and a service's RTO to its answer", () => {
    const service = drilledJob({
      canary: false,
      kind: 'inference',
      rtoSeconds: 9,
      checked: null,
      move: drillMove({ servingAt: at(20), rpo: { targetSeconds: null, achievedSeconds: null, met: null } }),
    });
    const { jobs, result } = reportOf(
      drillFacts({ spec: drillSpec({ mode: 'full', rtoSeconds: null, rpoSeconds: null }), jobs: [service] }),
    );
    expect(jobs).toMatchObject([
      {
        rto: { targetSeconds: 9, fromFaultSeconds: 10, met: false },
        rpo: { achievedSeconds: null, met: null },
      },
    ]);
    expect(result).toBe('failed');
  });

  const found: [string, Partial<DrillFacts>, FindingCode[], DrillReport['result']][] = [
    ['nothing to say', {}, [], 'passed'],
    [
      'a target that was missed',
      { spec: drillSpec({ rtoSeconds: 8, rpoSeconds: 4 }) },
      ['target-missed', 'target-missed'],
      'failed',
    ],
    ['a target that was just met', { spec: drillSpec({ rtoSeconds: 8.4, rpoSeconds: 5 }) }, [], 'passed'],
    ['no target', { spec: drillSpec({ rtoSeconds: null, rpoSeconds: null }) }, ['no-target'], 'passed'],
    [
      'other bytes',
      { jobs: [drilledJob({ checked: { ...check(), sha256Again: 'cd' } })] },
      ['data-damaged'],
      'failed',
    ],
    [
      'a canary that came back to where it was lost',
      { jobs: [drilledJob({ move: drillMove({ to: { ...drillMove().from } }) })] },
      ['not-recovered', 'nothing-moved'],
      'failed',
    ],
    [
      'a job that failed, beside one that did not',
      { jobs: [drilledJob(), drilledJob({ jobId: 'job-2', state: 'failed', move: null, checked: null })] },
      ['not-recovered'],
      'failed',
    ],
    [
      'a job that had ended anyway',
      {
        spec: drillSpec({ mode: 'full' }),
        jobs: [
          drilledJob(),
          drilledJob({ jobId: 'job-2', canary: false, state: 'succeeded', move: null, checked: null }),
        ],
      },
      [],
      'passed',
    ],
    [
      'three attempts',
      { jobs: [drilledJob({ move: drillMove({ attempts: 3 }) })] },
      ['several-attempts'],
      'passed',
    ],
    [
      'one vendor, next door',
      { providers: [drillProvider('pangyo'), { ...drillProvider('pangyo'), name: 'gwangju' }] },
      ['same-vendor', 'near-site'],
      'passed',
    ],
    [
      'nobody else who looked',
      { spec: drillSpec({ mode: 'full' }), confirmedBy: { id: 'key-1', role: 'operator' } },
      ['same-person'],
      'passed',
    ],
    [
      'somebody else who did, but late',
      {
        spec: drillSpec({ mode: 'full' }),
        confirmedBy: { id: 'key-2', role: 'admin' },
        dueAt: at(-86_400),
      },
      ['overdue'],
      'passed',
    ],
    ['a provider that stayed away', { unreturned: ['pangyo'] }, ['not-returned'], 'passed'],
    ['an abort', { endsAs: 'aborted', reason: 'it cost more' }, ['not-finished'], 'aborted'],
    ['a tabletop drill', { spec: drillSpec({ mode: 'tabletop' }), jobs: [], cuts: [] }, [], 'passed'],
  ];
  it.each(found)('finds %s', (_, more, codes, result) => {
    const report = reportOf(drillFacts(more));
    expect(report.findings.map(({ code }) => code)).toEqual(codes);
    expect(report.result).toBe(result);
  });

  it('says what it says nothing about', () => {
    expect(reportOf(drillFacts()).notExercised).toEqual([
      'tenant-jobs',
      'detection',
      'machine-loss',
      'services',
      'network-cutover',
      'checkpoint-store',
      'failback',
    ]);
    const whole = drillFacts({
      spec: drillSpec({ mode: 'full' }),
      cuts: [{ provider: 'pangyo', allocationId: null, fromAt: at(10), untilAt: at(19), declaredAt: null }],
      jobs: [drilledJob({ canary: false, checked: null })],
    });
    expect(reportOf(whole).notExercised).not.toContain('detection');
    expect(reportOf(whole).notExercised).not.toContain('tenant-jobs');
    expect(reportOf(drillFacts({ jobs: [] })).notExercised).toContain('real-move');
  });

  it('has a title in both languages for all that it may say', () => {
    for (const titles of [FINDING_TITLES, NOT_EXERCISED_TITLES, LABELS])
      for (const { en, ko } of Object.values(titles))
        expect([en, ko].every((text) => text !== '')).toBe(true);
    expect(Object.keys(FINDING_TITLES).toSorted()).toEqual(FINDINGS.toSorted());
    expect(Object.keys(NOT_EXERCISED_TITLES).toSorted()).toEqual(NOT_EXERCISED.toSorted());
  });
});

describe('what a drill proves', () => {
  const proved = (more: Partial<DrillFacts>) => {
    const facts = drillFacts(more);
    return provedBy(facts, reportOf(facts), NOW);
  };
  it('is one thing for each job that went on elsewhere within its targets', () => {
    expect(proved({})).toEqual([
      {
        jobId: 'job-1',
        drillId: 'drl-1',
        mode: 'restart',
        from: 'pangyo',
        to: 'gwangju',
        gpu: 'H100',
        rtoSeconds: 8.4,
        rpoSeconds: 5,
        verifiedAt: NOW,
        validUntil: new Date('2027-05-21T10:00:00.000Z'),
        fromVersion: '1.4.0',
        toVersion: '1.4.0',
      },
    ]);
  });
  it.each([
    ['tabletop', { spec: drillSpec({ mode: 'tabletop' }) }],
    ['aborted', { endsAs: 'aborted' } as const],
    ['missed', { spec: drillSpec({ rtoSeconds: 1 }) }],
    ['damaged', { jobs: [drilledJob({ checked: { ...check(), sha256Again: null } })] }],
    ['degradation', { spec: drillSpec({ scenario: { kind: 'degradation', provider: 'pangyo' } }), jobs: [] }],
  ])('is nothing: %s', (_, more: Partial<DrillFacts>) => expect(proved(more)).toEqual([]));
});

describe('the evidence', () => {
  // RFC 8037, appendix A.
  const SEED = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A';
  const X = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';

  it('has the key and the thumbprint of RFC 8037', () => {
    expect(publicJwk(SEED)).toEqual({ kty: 'OKP', crv: 'Ed25519', x: X });
    expect(thumbprint(publicJwk(SEED))).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  it('is verified by its key and by no other, and not when a letter is changed', () => {
    const kid = thumbprint(publicJwk(SEED));
    const jws = signJws({ sub: 'drl-1' }, SEED, kid);
    const keys = [{ ...publicJwk(SEED), kid }];
    expect(verifyJws(jws, keys)).toEqual({ sub: 'drl-1' });
    const [header = '', payload = '', signature = ''] = jws.split('.');
    const other = Buffer.from('{"sub":"drl-2"}').toString('base64url');
    expect(verifyJws([header, other, signature].join('.'), keys)).toBeNull();
    expect(verifyJws([header, payload, 'AAAA'].join('.'), keys)).toBeNull();
    expect(verifyJws(jws, [])).toBeNull();
    const stranger = publicJwk(Buffer.alloc(32, 7).toString('base64url'));
    expect(verifyJws(jws, [{ ...stranger, kid }])).toBeNull();
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none', kid })).toString('base64url');
    expect(verifyJws([unsigned, payload, ''].join('.'), keys)).toBeNull();
  });

  it('seals the report as it is stored, and the records as they are shown', () => {
    const records = chain(GENESIS, NOW, [
      { actor: SYSTEM, action: 'drill.start', target: 'drl-1', requestId: null, data: { b: 1, a: [2] } },
    ]);
    const report = storableJson(reportOf(drillFacts({ records }))) as DrillReport;
    const kid = thumbprint(publicJwk(SEED));
    const evidence = evidenceOf(report, records, { kid, seed: SEED }, NOW);
    expect(evidence.reportSha256).toBe(sha256Hex(canonicalJson(JSON.parse(JSON.stringify(report)))));
    expect(evidence.auditSha256).toBe(sha256Hex(canonicalJson(JSON.parse(JSON.stringify(records)))));
    expect(evidence.auditSha256).not.toBe(auditSha256([]));
    expect(verifyJws(evidence.jws, [{ ...publicJwk(SEED), kid }])).toMatchObject({
      sub: 'drl-1',
      result: 'passed',
      reportSha256: evidence.reportSha256,
      auditFromSeq: 1,
      auditToSeq: 1,
    });
  });
});

describe('whoever verifies a report', () => {
  const seed = Buffer.alloc(32, 1).toString('base64url');
  const kid = thumbprint(publicJwk(seed));
  const keys = [{ ...publicJwk(seed), kid }];
  const records = chain(GENESIS, NOW, [
    { actor: SYSTEM, action: 'drill.start', target: 'drl-1', requestId: null, data: {} },
    { actor: SYSTEM, action: 'drill.restore', target: 'drl-1', requestId: null, data: {} },
  ]);
  const report = storableJson(reportOf(drillFacts({ records }))) as DrillReport;
  const signed = { report, evidence: { ...evidenceOf(report, records, { kid, seed }, NOW) } };
  const wire = JSON.parse(JSON.stringify(records)) as { seq: number }[];

  it('is content with what was signed, also when the audit went on', () => {
    const later = { ...wire[1], seq: 3, action: 'drill.finish' };
    expect(faultsOf(signed, keys, null)).toEqual([]);
    expect(faultsOf(signed, keys, [later, ...wire.toReversed()])).toEqual([]);
  });
  it.each([
    ['a nicer result', { ...signed, report: { ...report, result: 'failed' } }, wire, 2],
    ['another number', { ...signed, report: { ...report, jobs: [] } }, wire, 1],
    ['another hash', { ...signed, evidence: { ...signed.evidence, auditRecords: 9 } }, wire, 1],
    ['another record', signed, wire.slice(0, 1), 1],
    ['a foreign signature', { ...signed, evidence: { ...signed.evidence, jws: 'a.b.c' } }, wire, 1],
    ['no signature', { ...signed, evidence: {} }, wire, 1],
  ])('is told of %s', (_, given, seen, faults) => expect(faultsOf(given, keys, seen)).toHaveLength(faults));
});

function check() {
  const { checked } = drilledJob();
  if (checked === null) throw new Error('a canary without a check');
  return checked;
}
