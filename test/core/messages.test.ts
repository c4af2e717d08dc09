import { describe, expect, it } from 'vitest';
import {
  JOB_REASON_TITLES,
  JOB_STATE_TITLES,
  RULE_TITLES,
  WAITING_TITLES,
  languageOf,
  problemTitle,
} from '../../src/core/messages.ts';
import { PROBLEMS, type ProblemType } from '../../src/core/problem.ts';

describe('the language of an answer', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['ko', 'ko'],
    ['ko-KR,ko;q=0.9,en;q=0.8', 'ko'],
    ['en-GB,ko;q=0.9', 'en'],
    ['ja,ko;q=0.4', 'ko'],
    ['en;q=0.1, ko;q=0.2', 'ko'],
    ['ko;q=0', 'en'],
    ['*', 'en'],
    ['ko;q=nonsense', 'ko'],
  ])('for %j is %s', (header, language) => expect(languageOf(header)).toBe(language));
});

it('every title has both languages, and they differ', () => {
  const problems = Object.keys(PROBLEMS) as ProblemType[];
  const pairs = [
    ...problems.map((type) => ({ en: problemTitle(type, 'en'), ko: problemTitle(type, 'ko') })),
    ...[JOB_STATE_TITLES, JOB_REASON_TITLES, RULE_TITLES, WAITING_TITLES].flatMap((titles) =>
      Object.values(titles),
    ),
  ];
  for (const { en, ko } of pairs) {
    expect(en).toMatch(/^[\x20-\x7e]+$/);
    expect(ko).toMatch(/[가-힣]/);
  }
});
