import type { JobReason, JobState, WaitingReason } from './job.ts';
import type { RuleName } from './placement/rules.ts';
import { PROBLEMS, type ProblemType } from './problem.ts';
import type { HealthState } from './provider.ts';
import type { NowhereReason } from './readiness.ts';

/**
 * What is said to people, in the two languages of this house. Every reason, state and problem has a title in both,
 * and the type checker sees to it; details, which carry names and numbers, are English.
 */
export const LANGUAGES = ['en', 'ko'] as const;
export type Language = (typeof LANGUAGES)[number];
type Title = Readonly<Record<Language, string>>;

/**
 * The language that a client prefers of those that we have: the first of the best quality (RFC 9110 §12.5.4).
 * English where it names none of ours.
 */
export function languageOf(acceptLanguage: string | undefined): Language {
  const ranges = (acceptLanguage ?? '').split(',', 20).map((range) => {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const quality = parameters
      .map((parameter) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(parameter)?.[1])
      .find(Boolean);
    return { language: tag.split('-')[0], quality: quality === undefined ? 1 : Number(quality) };
  });
  const ours = ranges
    .filter(({ language, quality }) => quality > 0 && LANGUAGES.some((known) => known === language))
    .toSorted((a, b) => b.quality - a.quality);
  return (ours[0]?.language as Language | undefined) ?? 'en';
}

const KOREAN_PROBLEMS: Readonly<Record<ProblemType, string>> = {
  'invalid-request': '요청 형식이 올바르지 않습니다',
  unauthenticated: '유효한 키가 필요합니다',
  'budget-exhausted': '예산이 모두 쓰였습니다',
  forbidden: '이 키로는 할 수 없는 작업입니다',
  'not-found': '대상을 찾을 수 없습니다',
  'state-conflict': '현재 상태에서는 할 수 없습니다',
  'request-in-progress': '같은 요청을 아직 처리하고 있습니다',
  'precondition-failed': '읽은 뒤에 내용이 바뀌었습니다',
  'payload-too-large': '본문이 너무 큽니다',
  'unsupported-media-type': '지원하지 않는 콘텐츠 형식입니다',
  'impossible-spec': '요청 내용이 서로 모순됩니다',
  'not-yet-supported': '이 버전에서는 아직 지원하지 않는 항목입니다',
  'idempotency-mismatch': '이 Idempotency-Key는 다른 내용에 이미 쓰였습니다',
  'rate-limited': '요청이 너무 많습니다',
  'internal-error': '서비스 내부 오류가 발생했습니다',
  unavailable: '지금은 이용할 수 없습니다',
};

export function problemTitle(type: ProblemType, language: Language): string {
  return language === 'ko' ? KOREAN_PROBLEMS[type] : PROBLEMS[type].title;
}

export const JOB_STATE_TITLES: Readonly<Record<JobState, Title>> = {
  queued: { en: 'waiting for a place', ko: '대기 중' },
  provisioning: { en: 'being started', ko: '시작하는 중' },
  running: { en: 'running', ko: '실행 중' },
  stopping: { en: 'being stopped', ko: '중지하는 중' },
  succeeded: { en: 'ended well', ko: '정상 종료' },
  failed: { en: 'failed', ko: '실패' },
  cancelled: { en: 'cancelled', ko: '취소됨' },
};

export const JOB_REASON_TITLES: Readonly<Record<JobReason, Title>> = {
  submitted: { en: 'It was submitted.', ko: '작업이 접수되었습니다.' },
  placed: { en: 'A place was found.', ko: '실행할 곳이 정해졌습니다.' },
  started: { en: 'Its command runs.', ko: '명령이 실행되고 있습니다.' },
  exited: { en: 'Its command ended.', ko: '명령이 끝났습니다.' },
  cancelled: { en: 'Somebody cancelled it.', ko: '사용자가 취소했습니다.' },
  'provider-down': { en: 'Its provider was lost.', ko: '사업자 장애로 다른 곳으로 옮깁니다.' },
  'provider-degraded': {
    en: 'It leaves a provider that is being hurt.',
    ko: '사업자 장애가 우려되어 미리 옮깁니다.',
  },
  'allocation-lost': { en: 'The provider lost it.', ko: '사업자 쪽에서 작업을 잃어버렸습니다.' },
  'allocation-refused': { en: 'The provider refused it.', ko: '사업자가 작업을 받지 않았습니다.' },
  'operator-move': { en: 'An operator moved it.', ko: '운영자가 다른 곳으로 옮겼습니다.' },
  'provider-drain': { en: 'Its provider is being drained.', ko: '사업자가 비워지는 중입니다.' },
  'max-runtime': { en: 'It ran for as long as it may.', ko: '허용된 실행 시간을 다 썼습니다.' },
  deadline: { en: 'Its deadline has passed.', ko: '마감 시각이 지났습니다.' },
  'taken-over': {
    en: 'Another copy of it runs already.',
    ko: '이미 실행 중인 다른 사본이 이어받았습니다.',
  },
  preempted: {
    en: 'It made room for work that must not stop.',
    ko: '멈추면 안 되는 작업에 자리를 내주었습니다.',
  },
  failback: {
    en: 'It goes back to where it was lost.',
    ko: '장애 전에 있던 곳으로 되돌아갑니다.',
  },
  rejected: { en: 'It was not approved.', ko: '승인되지 않았습니다.' },
  budget: {
    en: 'The money that was held for it is used up.',
    ko: '확보해 둔 예산을 다 썼습니다.',
  },
  'max-cost': {
    en: 'It has cost as much as it may.',
    ko: '정해진 최대 비용에 도달했습니다.',
  },
  'attempts-exhausted': {
    en: 'It could not be started anywhere.',
    ko: '여러 번 시도했지만 시작하지 못했습니다.',
  },
};

export const WAITING_TITLES: Readonly<Record<WaitingReason, Title>> = {
  'no-match': { en: 'No offer matches what it asks for.', ko: '조건에 맞는 상품이 없습니다.' },
  'no-rate': {
    en: 'A matching offer has no exchange rate.',
    ko: '맞는 상품의 환율이 등록되어 있지 않습니다.',
  },
  approval: { en: 'It needs approval by another person.', ko: '승인을 기다립니다.' },
  budget: { en: 'There is no money for it now.', ko: '지금은 쓸 수 있는 예산이 없습니다.' },
  'provider-health': {
    en: 'The matching providers are not healthy.',
    ko: '맞는 사업자가 정상 상태가 아닙니다.',
  },
  'no-capacity': { en: 'Everything that matches is in use.', ko: '맞는 자원이 모두 사용 중입니다.' },
  fencing: { en: 'Its last place may still be running it.', ko: '이전 실행이 확실히 끝나기를 기다립니다.' },
  backoff: { en: 'It waits a moment before the next attempt.', ko: '다시 시도하기 전에 잠시 기다립니다.' },
  scheduling: { en: 'It has not been looked at yet.', ko: '아직 배치를 검토하지 않았습니다.' },
};

/** Why a job would go nowhere if its provider were lost. */
export const NOWHERE_TITLES: Readonly<Record<NowhereReason, Title>> = {
  ...WAITING_TITLES,
  'continuity-none': {
    en: 'It is to end with its provider.',
    ko: '사업자와 함께 끝나도록 정해진 작업입니다.',
  },
};

/** Why an offer was left out. */
export const RULE_TITLES: Readonly<Record<RuleName, Title>> = {
  'gpu-count': { en: 'It has too few GPUs.', ko: 'GPU 수가 부족합니다.' },
  'gpu-model': { en: 'It has another GPU.', ko: 'GPU 모델이 다릅니다.' },
  'gpu-memory': { en: 'Its GPUs have too little memory.', ko: 'GPU 메모리가 부족합니다.' },
  cpus: { en: 'It has too few CPUs.', ko: 'CPU가 부족합니다.' },
  memory: { en: 'It has too little memory.', ko: '메모리가 부족합니다.' },
  nodes: {
    en: 'Its provider cannot run a job on several machines.',
    ko: '이 사업자는 여러 대에 걸친 작업을 실행하지 못합니다.',
  },
  providers: { en: 'Its provider is not allowed.', ko: '허용되지 않은 사업자입니다.' },
  countries: { en: 'Its country is not allowed.', ko: '허용되지 않은 국가입니다.' },
  regions: { en: 'Its region is not allowed.', ko: '허용되지 않은 리전입니다.' },
  realm: { en: 'Its realm is not allowed.', ko: '허용되지 않은 영역(민간·공공·자체)입니다.' },
  certification: {
    en: 'A certificate is missing or has expired.',
    ko: '필요한 인증이 없거나 만료되었습니다.',
  },
  'data-grade': {
    en: 'Data of this grade may not go there.',
    ko: '이 등급의 데이터를 둘 수 없는 곳입니다.',
  },
  'dr-verified': {
    en: 'No drill has proved its recovery.',
    ko: '재해복구가 훈련으로 검증되지 않았습니다.',
  },
  separation: {
    en: 'It is too near to the place that lost the job.',
    ko: '작업을 잃은 곳과 너무 가깝습니다.',
  },
  places: { en: 'There are too few of it.', ko: '상품 수량 자체가 부족합니다.' },
  pool: { en: 'Its pool is too small.', ko: '공유 자원(풀)의 총량이 부족합니다.' },
  spot: { en: 'It is not sold the way that is allowed.', ko: '허용된 구매 방식(스팟·온디맨드)이 아닙니다.' },
  'not-yet-effective': { en: 'It is not sold yet.', ko: '아직 판매가 시작되지 않았습니다.' },
  price: { en: 'It costs more per hour than is allowed.', ko: '시간당 상한 가격을 넘습니다.' },
  'job-price': { en: 'The whole job would cost too much.', ko: '작업 전체의 상한 금액을 넘습니다.' },
  quote: { en: 'It costs more than was quoted.', ko: '견적 가격을 넘습니다.' },
  'no-rate': { en: 'There is no exchange rate.', ko: '환율이 등록되어 있지 않습니다.' },
  draining: { en: 'Its provider takes nothing new.', ko: '사업자가 새 작업을 받지 않습니다.' },
  health: { en: 'Its provider is not healthy.', ko: '사업자가 정상 상태가 아닙니다.' },
  capacity: { en: 'Too much of it is taken.', ko: '남은 자원이 부족합니다.' },
};

export const HEALTH_TITLES: Readonly<Record<HealthState, Title>> = {
  unknown: { en: 'not heard of yet', ko: '아직 연결된 적 없음' },
  healthy: { en: 'healthy', ko: '정상' },
  degraded: { en: 'degraded', ko: '불안정' },
  down: { en: 'down', ko: '중단' },
};
