import { bestNow, type Entry } from '../src/core/placement/choose.ts';
import { marketOf as openWorld, stateOf } from '../src/core/placement/decide.ts';
import { decisionOf, waitingDecision } from '../src/core/placement/explain.ts';
import { nothingAsked, openPass, type Pass } from '../src/core/placement/pass.ts';
import { readRequest, type Request } from '../src/core/placement/request.ts';
import type { Decision, QueuedJob, World } from '../src/core/placement/types.ts';
import { whyWaiting } from '../src/core/placement/wait.ts';
import type { Bench, Finding } from './harness/bench.ts';
import { JOBS_FROM, PLACED_BY, questionsOf } from './harness/jobs.ts';
import { marketOf, MARKET_FROM } from './harness/market.ts';
import { filterOf, rowsOf, scan } from './harness/scan.ts';
import { measured, number, quantile, rising, spread } from './harness/stats.ts';
import { table } from './harness/table.ts';

const QUESTIONS = 600;
const ROUNDS = 7;
const KEPT = 10;
/** gpuhunt's own filter in Python over so many rows in memory, measured on a machine of this kind. */
const PEER_MS: Readonly<Record<number, number>> = { 3_000: 4, 30_000: 38 };

/** One question, answered from nothing but the open market: a job's words in, the ten best offers with scores out. */
export async function query({ quick, say }: Bench): Promise<Finding> {
  const questions = questionsOf(quick ? 60 : QUESTIONS);
  const sizes = [3_000, 30_000].map((offers) => {
    say(`query: ${offers} offers`);
    return measure(offers, questions, quick ? 2 : ROUNDS);
  });
  const [small, large] = sizes as [Size, Size];
  const growth = (pick: (size: Size) => number[]) => number(middle(pick(large)) / middle(pick(small)));
  return {
    title: 'Query: from a job’s requirements to the ten best offers',
    table: table([
      ['µs', ...sizes.map(({ offers }) => `${offers.toLocaleString('en-US')} offers`), 'growth'],
      ['a question: median', ...sizes.map(({ ours }) => number(middle(ours))), growth(({ ours }) => ours)],
      ['p99', ...sizes.map(({ ours }) => number(quantile(rising(ours), 0.99))), ''],
      [
        'with the decision written: median',
        ...sizes.map(({ told }) => number(middle(told))),
        growth(({ told }) => told),
      ],
      ['p99', ...sizes.map(({ told }) => number(quantile(rising(told), 0.99))), ''],
      [
        'a full scan and sort: median',
        ...sizes.map(({ scans }) => number(middle(scans))),
        growth(({ scans }) => scans),
      ],
      ['p99', ...sizes.map(({ scans }) => number(quantile(rising(scans), 0.99))), ''],
      [
        'the scan, of a question',
        ...sizes.map(({ ours, scans }) => `${number(middle(scans) / middle(ours))}×`),
        '',
      ],
      ['the peer’s library as given, of a question', ...sizes.map(peerRatio), ''],
      ['opening the market, ms', ...sizes.map(({ market }) => spread(measured(market))), ''],
      ['opening a pass, ms', ...sizes.map(({ pass }) => spread(measured(pass))), ''],
    ]),
    notes: notes(questions.length, sizes),
  };
}

interface Size {
  readonly offers: number;
  /** µs of each question: the median of the rounds. */
  readonly ours: number[];
  readonly told: number[];
  readonly scans: number[];
  /** ms of each round. */
  readonly market: number[];
  readonly pass: number[];
  readonly answered: number;
}

function measure(offers: number, questions: readonly QueuedJob[], rounds: number): Size {
  const world = marketOf(offers);
  const rows = rowsOf(world);
  const times = { ours: [] as number[][], told: [] as number[][], scans: [] as number[][] };
  const opening = { market: [] as number[], pass: [] as number[] };
  let answered = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const opened = open(world);
    const ours = questions.map((job) => timed(() => ask(job, opened.pass)));
    const told = questions.map((job) => timed(() => tell(job, opened.pass)));
    const scans = questions.map((job) => timed(() => scan(rows, filterOf(job, world))));
    // The first round is for the compiler.
    if (round === 0) continue;
    opening.market.push(opened.marketMs);
    opening.pass.push(opened.passMs);
    for (const [into, from] of [
      [times.ours, ours],
      [times.told, told],
      [times.scans, scans],
    ] as const)
      into.push(from.map(({ us }) => us));
    answered = ours.filter(({ value }) => value.found.length > 0).length;
  }
  const middles = (of: number[][]) => questions.map((_, at) => middle(of.map((round) => round[at] ?? NaN)));
  return {
    offers,
    ours: middles(times.ours),
    told: middles(times.told),
    scans: middles(times.scans),
    ...opening,
    answered,
  };
}

function open(world: World): { pass: Pass; marketMs: number; passMs: number } {
  const started = performance.now();
  const market = openWorld(world);
  const opened = performance.now();
  const pass = openPass(market, stateOf(world));
  return { pass, marketMs: opened - started, passMs: performance.now() - opened };
}

function timed<T>(run: () => T): { readonly us: number; readonly value: T } {
  const started = performance.now();
  const value = run();
  return { us: (performance.now() - started) * 1e3, value };
}

/** As if nobody had asked before. */
function ask(job: QueuedJob, pass: Pass): { readonly request: Request; readonly found: readonly Entry[] } {
  const request = readRequest(job, { ...pass, asked: nothingAsked() });
  return { request, found: bestNow(request, pass, KEPT) };
}

function tell(job: QueuedJob, pass: Pass): Decision {
  const { request, found } = ask(job, pass);
  const [taken] = found;
  const turn = { job, ask: { request, deadSince: null, waiting: null }, found, note: null, poor: null };
  return taken
    ? decisionOf(pass, { ...turn, taken }, taken)
    : waitingDecision(pass, request, whyWaiting(request, pass));
}

function middle(values: readonly number[]): number {
  return measured(values).median;
}

function peerRatio({ offers, ours }: Size): string {
  const ms = PEER_MS[offers];
  return ms === undefined ? '–' : `${number((ms * 1e3) / middle(ours))}×`;
}

function notes(questions: number, sizes: readonly Size[]): string[] {
  const answers = sizes.map(({ answered }) => answered).join(' and ');
  return [
    `${questions} different questions, each new: nothing is kept between them but the open market and pass (all three objectives, rules of organizations and projects among them). ${answers} of them had an answer. Median and p99 over the questions, of each the median of the rounds.`,
    `${MARKET_FROM} ${JOBS_FROM} ${PLACED_BY}`,
    'The scan is what the peers do, in plain TypeScript, in the same process, in turn with ours round by round: every row (one per offer and kind of price) against every criterion, the rest sorted by price (dstack’s gpuhunt `matches`, SkyPilot’s masks and `sort_values`; bench/harness/scan.ts). It knows no hours, objectives, pools or reasons.',
    `The peer’s library as given: gpuhunt’s filter in Python over rows in memory takes ${PEER_MS[3_000]} ms at 3,000 and ${PEER_MS[30_000]} ms at 30,000; measured before, on this kind of machine, not in this run.`,
  ];
}
