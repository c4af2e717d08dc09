import { canonicalJson, sha256Hex } from '../canonical.ts';
import { verifyJws, type PublicJwk } from './signature.ts';

/** As `GET /v1/drills/{id}/report` answers; nothing of it is believed. */
export interface SignedReport {
  readonly report: { readonly drill?: unknown; readonly result?: unknown };
  readonly evidence: Readonly<Record<string, unknown>> & { readonly jws?: unknown };
}

/** What the signature is about. */
const SEALED = ['reportSha256', 'auditSha256', 'auditRecords', 'auditFromSeq', 'auditToSeq'] as const;

/**
 * What is wrong with a report, in sentences; none: it is what was signed.
 *
 * @param records the drill's audit records as `GET /v1/audit?target=` has them, in any order; null: not looked at
 */
export function faultsOf(
  { report, evidence }: SignedReport,
  keys: readonly (PublicJwk & { readonly kid: string })[],
  records: readonly { readonly seq: number }[] | null,
): string[] {
  const signed = verifyJws(String(evidence.jws), keys) as Readonly<Record<string, unknown>> | null;
  if (signed === null) return ['the signature is by none of these keys'];
  const faults = SEALED.filter((name) => signed[name] !== evidence[name]).map(
    (name) => `evidence.${name} is not what was signed`,
  );
  if (sha256Hex(canonicalJson(report)) !== signed['reportSha256'])
    faults.push('the report is not what was signed');
  if (report.drill !== signed['sub'] || report.result !== signed['result'])
    faults.push('the signature is of another drill, or another result');
  if (records !== null && sealOf(records, signed) !== signed['auditSha256'])
    faults.push('the audit records are not those that were signed');
  return faults;
}

function sealOf(
  records: readonly { readonly seq: number }[],
  signed: Readonly<Record<string, unknown>>,
): string {
  const last = Number(signed['auditToSeq']);
  const own = records.filter(({ seq }) => seq <= last).toSorted((a, b) => a.seq - b.seq);
  return sha256Hex(canonicalJson(own));
}
