import type { Language } from '../messages.ts';
import type { DrillEnd, DrillMode, Scenario } from './drill.ts';
import type { FindingCode, NotExercised } from './findings.ts';
import type { JobResult } from './judge.ts';

/** What the printed report says, in the two languages of this house. */
type Said = Readonly<Record<Language, string>>;

export const END_TITLES: Readonly<Record<DrillEnd, Said>> = {
  passed: { en: 'Passed', ko: '합격' },
  failed: { en: 'Failed', ko: '불합격' },
  cancelled: { en: 'Cancelled', ko: '취소' },
  aborted: { en: 'Aborted', ko: '중단' },
};

export const MODE_TITLES: Readonly<Record<DrillMode, Said>> = {
  tabletop: { en: 'Table-top: nothing was moved', ko: '도상 훈련: 실제로 옮긴 것은 없음' },
  simulation: { en: 'Simulation', ko: '모의 훈련' },
  parallel: {
    en: 'Parallel: small jobs of its own were lost for real',
    ko: '병행 훈련: 시험용 작업을 실제로 전환',
  },
  full: { en: 'Full: what was really there was cut off', ko: '실전 훈련: 운영 중인 작업을 실제로 전환' },
};

export const SCENARIO_TITLES: Readonly<Record<Scenario['kind'], Said>> = {
  'provider-outage': { en: 'Outage of a provider', ko: '사업자 장애' },
  'site-disaster': { en: 'Disaster of a site', ko: '지역 재난' },
  degradation: { en: 'Degradation of a provider', ko: '사업자 성능 저하' },
};

export const RESULT_TITLES: Readonly<Record<JobResult['result'], Said>> = {
  recovered: { en: 'went on elsewhere', ko: '다른 곳에서 재개' },
  ended: { en: 'had ended by itself', ko: '스스로 종료됨' },
  'not-recovered': { en: 'did not go on', ko: '재개하지 못함' },
  failed: { en: 'failed', ko: '실패' },
  untouched: { en: 'stayed where it was', ko: '그대로 유지' },
};

export const FINDING_TITLES: Readonly<Record<FindingCode, Said>> = {
  'not-finished': { en: 'It did not come through', ko: '훈련이 끝까지 진행되지 않음' },
  'not-recovered': { en: 'A job did not recover', ko: '복구되지 않은 작업' },
  'target-missed': { en: 'A target was missed', ko: '목표 미달' },
  'data-damaged': { en: 'What was restored is not what was saved', ko: '저장본과 복원본 불일치' },
  'no-target': { en: 'There was no target', ko: '목표 시간이 정해지지 않음' },
  'same-person': { en: 'Planned and confirmed by the same person', ko: '계획자와 승인자가 같음' },
  'same-vendor': { en: 'Both places are of one vendor', ko: '같은 사업자 사이의 전환' },
  'near-site': { en: 'Both places may share a disaster', ko: '같은 재난 권역의 두 사이트' },
  'not-returned': { en: 'A provider did not come back', ko: '복귀하지 않은 사업자' },
  'several-attempts': { en: 'It took several attempts', ko: '여러 번 시도함' },
  overdue: { en: 'It was held late', ko: '예정일을 넘겨 실시함' },
  'nothing-moved': { en: 'Nothing moved', ko: '전환된 작업이 없음' },
};

export const NOT_EXERCISED_TITLES: Readonly<Record<NotExercised, Said>> = {
  'real-move': { en: 'No work was really moved.', ko: '실제로 전환된 작업이 없다.' },
  'tenant-jobs': {
    en: "No tenant's own job was moved; canaries stood for them.",
    ko: '이용 기관의 작업은 전환하지 않았다. 시험용 작업으로 대신했다.',
  },
  detection: {
    en: 'Nobody had to notice a silent provider: single jobs were declared lost after the same silence.',
    ko: '사업자 전체의 침묵을 감지하는 과정은 시험하지 않았다. 개별 작업만 같은 시간 뒤에 상실로 판정했다.',
  },
  'machine-loss': {
    en: 'The network was cut, not the power: the machines of the old place lived on.',
    ko: '네트워크만 끊었고 전원은 끊지 않았다. 기존 장비는 살아 있었다.',
  },
  services: { en: 'No service had to answer again.', ko: '응답을 다시 시작해야 하는 서비스는 없었다.' },
  gpu: { en: 'No GPU was used.', ko: 'GPU를 쓰지 않았다.' },
  'other-pairs': {
    en: 'Work went between one pair of providers only.',
    ko: '한 쌍의 사업자 사이에서만 전환했다.',
  },
  'network-cutover': {
    en: "Tenants' traffic (DNS, load balancers, lines) was not switched over.",
    ko: '이용자 트래픽(DNS, 부하분산, 회선)은 전환하지 않았다.',
  },
  'checkpoint-store': {
    en: 'The store of checkpoints and the service itself were not lost.',
    ko: '체크포인트 저장소와 서비스 자체의 상실은 시험하지 않았다.',
  },
  failback: { en: 'Going back was not practised.', ko: '원래 자리로의 복귀(페일백)는 시험하지 않았다.' },
};

/** Headings and labels of the page. */
export const LABELS = {
  title: { en: 'Disaster recovery drill: report', ko: '재해복구 훈련 결과 보고서' },
  result: { en: 'Result', ko: '결과' },
  drill: { en: 'Drill', ko: '훈련 번호' },
  mode: { en: 'Mode', ko: '훈련 방식' },
  scenario: { en: 'Scenario', ko: '시나리오' },
  note: { en: 'Note', ko: '비고' },
  reason: { en: 'Reason', ko: '사유' },
  planned: { en: 'Planned by', ko: '계획자' },
  confirmed: { en: 'Confirmed by', ko: '승인자' },
  started: { en: 'Began', ko: '시작' },
  restored: { en: 'Back to normal', ko: '정상 복귀' },
  due: { en: 'Next due', ko: '다음 예정일' },
  cost: { en: 'Cost', ko: '비용' },
  direction: { en: 'Direction', ko: '전환 방향' },
  from: { en: 'From', ko: '출발' },
  to: { en: 'To', ko: '도착' },
  vendor: { en: 'Vendor', ko: '사업자' },
  distance: { en: 'Distance', ko: '거리' },
  jobs: { en: 'Jobs', ko: '작업' },
  job: { en: 'Job', ko: '작업' },
  canary: { en: 'canary', ko: '시험용' },
  achieved: { en: 'Achieved', ko: '달성 결과' },
  rtoFault: { en: 'RTO from the fault', ko: 'RTO(장애 시점 기준)' },
  rtoDeclared: { en: 'RTO from the declaration', ko: 'RTO(재해 선언 기준)' },
  rpo: { en: 'RPO', ko: 'RPO' },
  target: { en: 'Target', ko: '목표' },
  slowest: { en: 'max', ko: '최댓값' },
  data: { en: 'Data', ko: '데이터' },
  intact: { en: 'intact', ko: '일치' },
  damaged: { en: 'not intact', ko: '불일치' },
  capacity: { en: 'Capacity obtained', ko: '확보한 자원' },
  ready: { en: 'Time to ready', ko: '준비 시간' },
  findings: { en: 'Findings', ko: '지적 사항' },
  none: { en: 'None.', ko: '없음.' },
  notExercised: { en: 'What was not exercised', ko: '시험하지 않은 것' },
  steps: { en: 'Step log (UTC)', ko: '진행 기록(UTC)' },
  evidence: { en: 'Evidence', ko: '증거' },
  signature: { en: 'Signature', ko: '서명' },
  approval: { en: 'Approval (name, date, signature)', ko: '결재(성명, 일자, 서명)' },
} as const satisfies Readonly<Record<string, Said>>;
