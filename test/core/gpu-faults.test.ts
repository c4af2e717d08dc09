import { describe, expect, test } from 'vitest';
import { KNOWN_XIDS, meaningOf, parseXid, speaksAgainstProvider } from '../../src/core/gpu-faults.ts';

describe('parseXid', () => {
  test.each([
    [
      'NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, name=python, GPU has fallen off the bus.',
      { device: '0000:3b:00', xid: 79, text: 'pid=1234, name=python, GPU has fallen off the bus.' },
    ],
    [
      "[  512.123456] NVRM: Xid (PCI:0000:AF:00): 48, pid='<unknown>', DBE (double bit error)\r",
      { device: '0000:af:00', xid: 48, text: "pid='<unknown>', DBE (double bit error)" },
    ],
    [
      'Nov 22 10:00:00 gpu-01 kernel: NVRM: Xid (PCI:0000:86:00): 119',
      { device: '0000:86:00', xid: 119, text: '' },
    ],
    ['NVRM: GPU at PCI:0000:3b:00: GPU-6f1c9c3e', null],
    ['NVRM: Xid (PCI:0000:3b:00): many', null],
    ['', null],
  ])('%s', (line, found) => {
    expect(parseXid(line)).toEqual(found);
  });
  test('what a driver says is cut', () => {
    expect(parseXid(`NVRM: Xid (PCI:0000:3b:00): 13, ${'x'.repeat(5_000)}`)?.text).toHaveLength(300);
  });
});

describe('what a code means', () => {
  test.each([
    [79, true],
    [48, true],
    [46, true],
    [64, true],
    [74, true],
    [95, true],
    [119, true],
    [63, false],
    [94, false],
    [13, false],
    [31, false],
    [43, false],
    [45, false],
    [12_345, false],
  ])('%i speaks against the provider: %s', (xid, against) => {
    expect(speaksAgainstProvider(xid)).toBe(against);
  });
  test('no application’s fault speaks against anybody', () => {
    for (const xid of KNOWN_XIDS)
      if (meaningOf(xid).blame === 'application') expect(speaksAgainstProvider(xid)).toBe(false);
  });
});
