import type { Money } from './api.ts';
import type { AttemptOutcome, JobOutcome, Outcome, Why } from './outcome.ts';
import { vendorOf } from './story.ts';
import { money, pad, seconds, table, type Paint } from './text.ts';

/** The end of the story, as lines. Pure. */
export function reportOf(outcome: Outcome, paint: Paint): string[] {
  return [
    ...section('What was lost, and when it ran again', '사라진 작업이 다시 돌기까지', paint),
    ...timelines(outcome, paint),
    ...section('Where everything ran, why, and what it cost', '어디서, 왜, 얼마에', paint),
    ...places(outcome, paint),
    ...section('What is claimed, and how it was checked', '약속과 확인', paint),
    ...claims(outcome, paint),
    '',
    verdict(outcome, paint),
    '',
  ];
}

function section(title: string, korean: string, paint: Paint): string[] {
  return ['', `${paint.bold(paint.cyan(`━━ ${title}`))}  ${paint.dim(korean)}`];
}

function timelines({ lost, jobs }: Outcome, paint: Paint): string[] {
  const vendor = `${lost.provider} ${vendorOf(lost.provider)?.korean ?? ''}`.trim();
  const head = [`  Seconds after the SIGKILL of ${vendor} at ${lost.at.slice(11, 23)} UTC:`, ''];
  const rows = jobs.flatMap(({ name, recovery }) => {
    if (recovery === null) return [];
    const { lostMs, decidedMs, runningMs, rtoMs, rpoMs, to, from } = recovery;
    const cells = [
      name,
      since(lostMs),
      since(decidedMs),
      since(runningMs),
      since(rtoMs),
      rpoMs === null ? '-' : seconds(rpoMs),
    ];
    return [[`  ${cells[0]}`, ...cells.slice(1), `at ${to ?? 'nowhere'}, from ${from}`]];
  });
  const titles = ['  job', 'lost', 'decided', 'running', 'RTO', 'RPO', 'went on'];
  const [title = '', ...lines] = table([titles, ...rows], [1, 2, 3, 4, 5]);
  return [
    ...head,
    paint.dim(title),
    ...lines,
    '',
    paint.dim(
      '  lost: given up by the service · decided: a new place chosen · running: as the service saw it',
    ),
    paint.dim(
      '  RTO: until the job itself wrote that it started, or its first right answer over HTTP · RPO: work lost',
    ),
  ];
}

const since = (ms: number | null) => (ms === null ? '?' : seconds(ms));

function places({ jobs, totalCost }: Outcome, paint: Paint): string[] {
  const rows = jobs.flatMap((job) => job.attempts.map((attempt, i) => placeRow(job, attempt, i)));
  const total = ['  in all, at demo prices', '', '', cost(totalCost), ''];
  const titles = ['  job', 'where', `${totalCost.currency} an hour`, totalCost.currency, 'why there'];
  const [title = '', ...lines] = table([titles, ...rows, total], [2, 3]);
  return [paint.dim(title), ...lines.slice(0, -1), paint.bold(lines.at(-1) ?? '')];
}

function placeRow({ name, state }: JobOutcome, attempt: AttemptOutcome, index: number): string[] {
  const { provider, pricePerHour } = attempt;
  const label =
    index === 0 ? `${state === 'succeeded' || state === 'cancelled' ? '✓' : '✗'} ${name}` : '  again';
  return [`  ${label}`, provider, amount(pricePerHour), cost(attempt.cost), reasonOf(attempt.why)];
}

/** One short line out of the service's explanation: what it was better than, and what was out of the question. */
function reasonOf({ objective, insteadOf, removed }: Why): string {
  const better =
    insteadOf === null
      ? 'the only one that fits'
      : `${objective} (next: ${insteadOf.provider} ${amount(insteadOf.pricePerHour)})`;
  // That an offer without a GPU has none is no news.
  const [out] = removed.filter(({ rule }) => rule !== 'gpu-count').toReversed();
  if (out === undefined) return better;
  const who = out.detail.includes(out.provider) || out.detail.startsWith('region') ? '' : `${out.provider} `;
  return `${better}; ${who}${out.detail}`;
}

/** Without the currency, which stands above the column. */
function amount(price: Money): string {
  return money(price).replace(/ [A-Z]+$/, '');
}

/** To a hundredth: what seconds cost is fractions of a won. */
function cost(price: Money): string {
  return amount({ ...price, amount: Number(price.amount).toFixed(2) });
}

function claims({ jobs, service, training, objections }: Outcome, paint: Paint): string[] {
  const moved = jobs.filter(({ recovery }) => recovery !== null).length;
  const accuracy = training.accuracy === null ? '?' : `${(training.accuracy * 100).toFixed(1)} %`;
  const held = [
    `${jobs.length} jobs, ${moved} of them lost with their machine. In the ledger that the jobs write themselves,`,
    `  outside every sandbox, each came to its end once, and no two attempts overlapped.`,
    `The training ended with exactly the weights of one that was never interrupted, to the last bit`,
    `  (${accuracy} of 1000 unseen points right): no epoch lost for good, none trained twice.`,
    `The service job answered ${service.rightBefore} times before the loss and ${service.rightAfter} after it, ${service.wrong} times wrongly;`,
    `  every number was compared with a model that the demo trained itself.`,
    `Nothing is left: no process of all this runs any more, and its folder is gone.`,
  ];
  if (objections.length > 0) return objections.map((one) => `  ${paint.red('✗')} ${one}`);
  return held.map((line) => (line.startsWith('  ') ? `  ${line}` : `  ${paint.green('✓')} ${line}`));
}

function verdict({ ok, tookMs, jobs }: Outcome, paint: Paint): string {
  const worst = Math.max(...jobs.map(({ recovery }) => recovery?.rtoMs ?? 0));
  const text = ok
    ? `Nothing lost, nothing doubled. Running elsewhere within ${seconds(worst)}. ${seconds(tookMs)} in all.`
    : `This did not go as it should. ${seconds(tookMs)} in all.`;
  const korean = ok ? '잃은 작업도, 두 번 끝난 작업도 없습니다.' : '기대한 대로 끝나지 않았습니다.';
  return `  ${ok ? paint.green(paint.bold(text)) : paint.red(paint.bold(text))} ${pad(korean, 0)}`;
}
