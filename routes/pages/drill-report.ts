import type { DrillEvidence, DrillReport } from '../../src/core/drill/report.ts';
import type { Percentiles } from '../../src/core/drill/percentiles.ts';
import {
  END_TITLES,
  FINDING_TITLES,
  LABELS,
  MODE_TITLES,
  NOT_EXERCISED_TITLES,
  RESULT_TITLES,
  SCENARIO_TITLES,
} from '../../src/core/drill/words.ts';
import type { Language } from '../../src/core/messages.ts';
import { html, join, table, type Html } from './html.ts';

/** One page that needs nothing else, for a screen and for A4. */
export function drillPage(report: DrillReport, evidence: DrillEvidence, language: Language): string {
  const say = (label: keyof typeof LABELS) => LABELS[label][language];
  const parts = [
    summary(report, language),
    html`<h2>${say('achieved')}</h2>
      ${achieved(report, language)}`,
    html`<h2>${say('direction')}</h2>
      ${directions(report, language)}`,
    html`<h2>${say('jobs')}</h2>
      ${jobs(report, language)}`,
    html`<h2>${say('findings')}</h2>
      ${findings(report, language)}`,
    html`<h2>${say('notExercised')}</h2>
      <ul>
        ${join(report.notExercised.map((code) => html`<li>${NOT_EXERCISED_TITLES[code][language]}</li>`))}
      </ul>`,
    html`<h2>${say('capacity')}</h2>
      ${capacity(report, language)}`,
    html`<h2>${say('steps')}</h2>
      ${steps(report)}`,
    html`<h2>${say('evidence')}</h2>
      ${proof(evidence, language)}`,
    html`<p class="approval">${say('approval')}</p>`,
  ];
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${say('title')} · ${report.drill}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <h1>${say('title')}</h1>
        ${join(parts)}
      </body>
    </html> `.text;
}

const STYLE = html`body { font: 10.5pt/1.5 system-ui, 'Noto Sans KR', sans-serif; max-width: 60rem; margin:
2rem auto; padding: 0 1rem; color: #111; } h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0
0.4rem; break-after: avoid; } table { border-collapse: collapse; width: 100%; } th, td { border: 1px solid
#999; padding: 0.2rem 0.5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; } th {
background: #eee; } tr { break-inside: avoid; } .result { font-weight: 700; } code { font-size: 0.85em;
overflow-wrap: anywhere; } .approval { margin-top: 3rem; border-top: 1px solid #111; padding-top: 0.5rem;
min-height: 4rem; } @page { size: A4; margin: 16mm; } @media print { body { margin: 0; max-width: none;
padding: 0; } }`;

function summary(report: DrillReport, language: Language): Html {
  const say = (label: keyof typeof LABELS) => LABELS[label][language];
  const { participants, times, scenario } = report;
  const who = (person: { id: string; role: string } | null) =>
    person === null ? '–' : `${person.id} (${person.role})`;
  const where =
    scenario.kind === 'site-disaster'
      ? `${scenario.latitude}, ${scenario.longitude}, ${scenario.radiusKm} km`
      : scenario.provider;
  const rows: [string, string | Html][] = [
    [say('result'), html`<span class="result">${END_TITLES[report.result][language]}</span>`],
    [say('reason'), report.reason ?? '–'],
    [say('drill'), report.drill],
    [say('mode'), MODE_TITLES[report.mode][language]],
    [say('scenario'), `${SCENARIO_TITLES[scenario.kind][language]}: ${where}`],
    [say('note'), report.note ?? '–'],
    [say('planned'), who(participants.createdBy)],
    [say('confirmed'), who(participants.confirmedBy)],
    [say('started'), times.startedAt ?? '–'],
    [say('restored'), times.restoredAt ?? '–'],
    [say('cost'), `${report.cost.amount} ${report.cost.currency}`],
    [say('due'), report.nextDueAt ?? '–'],
  ];
  return table([], rows);
}

function achieved({ achieved: got, targets }: DrillReport, language: Language): Html {
  const say = (label: keyof typeof LABELS) => LABELS[label][language];
  const row = (label: string, of: Percentiles | null, target: number | null) => [
    label,
    ...[of?.p50, of?.p90, of?.p99, of?.max, target].map(seconds),
  ];
  return table(
    ['', 'p50', 'p90', 'p99', say('slowest'), say('target')],
    [
      row(say('rtoFault'), got.rtoFromFaultSeconds, targets.rtoSeconds),
      row(say('rtoDeclared'), got.rtoFromDeclarationSeconds, null),
      row(say('rpo'), got.rpoSeconds, targets.rpoSeconds),
    ],
  );
}

function directions({ directions: all }: DrillReport, language: Language): Html {
  const say = (label: keyof typeof LABELS) => LABELS[label][language];
  if (all.length === 0) return html`<p>${say('none')}</p>`;
  return table(
    [say('from'), say('to'), say('distance'), say('jobs')],
    all.map((one) => [
      `${one.from} · ${one.fromVendor} · ${one.fromSite}`,
      `${one.to} · ${one.toVendor} · ${one.toSite}`,
      `${one.km} km`,
      String(one.jobs),
    ]),
  );
}

function jobs({ jobs: all }: DrillReport, language: Language): Html {
  const say = (label: keyof typeof LABELS) => LABELS[label][language];
  if (all.length === 0) return html`<p>${say('none')}</p>`;
  return table(
    [
      say('job'),
      say('result'),
      say('from'),
      say('to'),
      say('rtoFault'),
      say('rtoDeclared'),
      say('rpo'),
      say('data'),
    ],
    all.map((job) => [
      job.canary ? `${job.jobId} (${say('canary')})` : job.jobId,
      RESULT_TITLES[job.result][language],
      job.from,
      job.to === null ? '–' : `${job.to.provider} / ${job.to.offer}`,
      against(job.rto.fromFaultSeconds, job.rto.targetSeconds),
      seconds(job.rto.fromDeclarationSeconds),
      against(job.rpo.achievedSeconds, job.rpo.targetSeconds),
      job.data === null ? '–' : say(job.data.intact ? 'intact' : 'damaged'),
    ]),
  );
}

function findings({ findings: all }: DrillReport, language: Language): Html {
  if (all.length === 0) return html`<p>${LABELS.none[language]}</p>`;
  const items = all.map(
    ({ code, detail }) => html`<li><strong>${FINDING_TITLES[code][language]}.</strong> ${detail}</li>`,
  );
  return html`<ul>
    ${join(items)}
  </ul>`;
}

function capacity({ jobs: all }: DrillReport, language: Language): Html {
  const say = (label: keyof typeof LABELS) => LABELS[label][language];
  const rows = all.flatMap(({ obtained }) =>
    obtained.map((one) => [
      `${one.provider} / ${one.offer}`,
      one.gpuModel === null ? 'CPU' : `${one.gpuModel} × ${one.gpuCount}`,
      seconds(one.secondsToReady),
    ]),
  );
  return rows.length === 0 ? html`<p>${say('none')}</p>` : table([say('to'), 'GPU', say('ready')], rows);
}

function steps({ steps: all }: DrillReport): Html {
  return table(
    ['#', 'UTC', '', ''],
    all.map(({ seq, at, actor, role, action, data }) => [
      String(seq),
      at,
      `${action} · ${actor === role ? actor : `${actor} (${role})`}`,
      html`<code>${JSON.stringify(data)}</code>`,
    ]),
  );
}

function proof(evidence: DrillEvidence, language: Language): Html {
  const code = (text: string) => html`<code>${text}</code>`;
  return table(
    [],
    [
      ['SHA-256 (report)', code(evidence.reportSha256)],
      [
        'SHA-256 (audit)',
        code(
          `${evidence.auditSha256} · ${evidence.auditRecords}: ${evidence.auditFromSeq}–${evidence.auditToSeq}`,
        ),
      ],
      ['kid', code(evidence.kid)],
      [LABELS.signature[language], code(evidence.jws)],
    ],
  );
}

const seconds = (value: number | null | undefined): string => (value == null ? '–' : `${value.toFixed(1)} s`);
const against = (value: number | null, target: number | null): string =>
  target === null ? seconds(value) : `${seconds(value)} / ${target} s`;
