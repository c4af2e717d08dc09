import type { FocusRow } from './columns.ts';
import { accountOf, costsOf, isCorrection, thingOf, timeOf, usageRow } from './usage.ts';
import type { CostLine, FocusBook } from './usage.ts';

/** A line as rows of the export: what was used, and what somebody has corrected by hand, which has no price. */
export function rowsOf(line: CostLine, book: FocusBook): FocusRow[] {
  const { correctedMicros: corrected, micros, seconds } = line;
  if (corrected === 0n) return [usageRow(line, book)];
  const used = { ...line, micros: micros - corrected, correctedMicros: 0n };
  const onlyCorrected = seconds === 0n && used.micros === 0n;
  return [...(onlyCorrected ? [] : [usageRow(used, book)]), correctionRow(line, book)];
}

function correctionRow(line: CostLine, book: FocusBook): FocusRow {
  const { correctedMicros: micros } = line;
  const thing = thingOf(line);
  return {
    ...accountOf(line, book),
    ...costsOf(micros, book.currency),
    ...timeOf(line, book.calendar),
    ...thing,
    ChargeCategory: 'Adjustment',
    ChargeClass: isCorrection(line) ? 'Correction' : null,
    ChargeDescription: `${micros < 0n ? 'Credited' : 'Charged'} by hand: ${thing.ChargeDescription}`,
    ChargeFrequency: 'One-Time',
    SubAccountId: line.project,
    SubAccountName: line.project,
    SubAccountType: 'Project',
  };
}
