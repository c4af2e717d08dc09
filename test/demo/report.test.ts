import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../demo/outcome.ts';
import { reportOf } from '../../demo/report.ts';
import { createScreen } from '../../demo/screen.ts';
import { createPaint } from '../../demo/text.ts';

const won = (amount: string) => ({ amount, currency: 'KRW' });
const why = {
  objective: 'cheapest',
  insteadOf: { provider: 'gwangju', pricePerHour: won('4600') },
  removed: [
    { rule: 'gpu-count', offers: 3, provider: 'daegu', detail: 'has 0 of 1 GPUs' },
    { rule: 'gpu-model', offers: 1, provider: 'daegu', detail: 'has A100-80GB' },
  ],
};
const attempt = {
  provider: 'pangyo',
  offer: 'h100-x1',
  pricePerHour: won('3900'),
  endReason: 'provider-down',
  cost: won('15.166667'),
  why,
};
const OUTCOME: Outcome = {
  ok: true,
  tookMs: 47_400,
  lost: { provider: 'pangyo', at: '2026-11-22T11:25:51.258Z', processes: 6 },
  jobs: [
    {
      name: 'train-moons',
      kind: 'training',
      state: 'succeeded',
      cost: won('40.72'),
      attempts: [
        attempt,
        { ...attempt, provider: 'gwangju', pricePerHour: won('4600'), why: { ...why, insteadOf: null } },
      ],
      recovery: {
        lostMs: 4700,
        decidedMs: 6200,
        runningMs: 6200,
        rtoMs: 7000,
        to: 'gwangju',
        from: 'the checkpoint of epoch 16 (16 were done)',
        rpoMs: 400,
      },
    },
  ],
  service: { rightBefore: 19, rightAfter: 89, wrong: 0 },
  training: { accuracy: 0.976, sameAsUninterrupted: true },
  objections: [],
  totalCost: won('40.72'),
};
const plain = (outcome: Outcome) => reportOf(outcome, createPaint(false)).join('\n');

describe('the report', () => {
  it('tells when each thing happened, from which checkpoint, why it ran where, and what it cost', () => {
    const text = plain(OUTCOME);
    expect(text).toMatch(
      /train-moons\s+4\.7 s\s+6\.2 s\s+6\.2 s\s+7\.0 s\s+0\.4 s\s+at gwangju, from the checkpoint of epoch 16/,
    );
    expect(text).toMatch(
      /✓ train-moons\s+pangyo\s+3,900\s+15\.17\s+cheapest \(next: gwangju 4,600\); daegu has A100-80GB/,
    );
    expect(text).toMatch(/again\s+gwangju\s+4,600\s+15\.17\s+the only one that fits/);
    expect(text).toMatch(/in all, at demo prices\s+40\.72/);
    expect(text).toContain('Nothing lost, nothing doubled. Running elsewhere within 7.0 s.');
  });

  it('claims nothing that did not hold, and says what did not', () => {
    const text = plain({
      ...OUTCOME,
      ok: false,
      objections: ['train-moons came to its end 2 times, not once'],
    });
    expect(text).toContain('✗ train-moons came to its end 2 times, not once');
    expect(text).toContain('This did not go as it should.');
    expect(text).not.toContain('Nothing lost');
    expect(text).not.toContain('Nothing is left');
    expect(text).not.toContain('exactly the weights');
  });
});

describe('the screen', () => {
  const on = (isTTY: boolean) => {
    let text = '';
    let now = 0;
    const screen = createScreen(
      { write: (more) => void (text += more), isTTY, columns: 40 },
      false,
      () => now,
    );
    return { screen, text: () => text, at: (ms: number) => void (now = ms) };
  };

  it('a terminal gets a panel that is drawn over, and the story above it', () => {
    const { screen, text } = on(true);
    screen.show(['one', 'two'], 'brief');
    screen.say('news');
    screen.end();
    expect(text()).toBe('one\ntwo\n\u001b[2A\u001b[J00:00  news\none\ntwo\n\u001b[2A\u001b[J');
  });

  it('no line of the panel is wider than the terminal, or it could not be drawn over', () => {
    const { screen, text } = on(true);
    screen.show(['x'.repeat(200)], 'brief');
    expect(text().trimEnd().length).toBeLessThan(40);
  });

  it('without a terminal there is no panel, and a line every five seconds', () => {
    const { screen, text, at } = on(false);
    for (const ms of [1_000, 6_000, 7_000, 12_000]) {
      at(ms);
      screen.show(['panel'], `at ${ms}`);
    }
    expect(text()).toBe('00:06  … at 6000\n00:12  … at 12000\n');
  });
});
