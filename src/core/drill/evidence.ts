import type { AuditLink } from '../audit.ts';
import { canonicalJson, sha256Hex } from '../canonical.ts';
import type { DrillEvidence, DrillReport } from './report.ts';
import { signJws } from './signature.ts';

export interface SigningKey {
  readonly kid: string;
  /** base64url, 32 bytes. */
  readonly seed: string;
}

/** Seals a report with the records that it is of. */
export function evidenceOf(
  report: DrillReport,
  records: readonly AuditLink[],
  key: SigningKey,
  now: Date,
): DrillEvidence {
  const sealed = {
    reportSha256: sha256Hex(canonicalJson(report)),
    auditSha256: auditSha256(records),
    auditRecords: records.length,
    auditFromSeq: records[0]?.seq ?? 0,
    auditToSeq: records.at(-1)?.seq ?? 0,
  };
  const claims = { sub: report.drill, iat: Math.floor(now.getTime() / 1000), result: report.result };
  return { ...sealed, kid: key.kid, jws: signJws({ ...claims, ...sealed }, key.seed, key.kid) };
}

/** Over the records as the API shows them, oldest first. */
export function auditSha256(records: readonly AuditLink[]): string {
  return sha256Hex(
    canonicalJson(
      records.map(({ seq, at, actor, role, action, target, requestId, data, previousHash, hash: own }) => ({
        seq,
        at,
        actor,
        role,
        action,
        target,
        requestId,
        data,
        previousHash,
        hash: own,
      })),
    ),
  );
}
