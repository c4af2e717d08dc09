import { z } from 'zod';
import { AUDIT_BREAKS, type AuditLink } from '../src/core/audit.ts';
import { verifyAudit } from '../src/flows/verifyAudit.ts';
import { listAudit } from '../src/store/read/audit.ts';
import { answer } from './answers.ts';
import { aSeq, readCursor, renderPage } from './cursor.ts';
import type { App, Room } from './room.ts';
import { field, page, paging, safeLine, utcTime } from './schemas/fields.ts';

const tags = ['Audit'];
const hash = (description: string) =>
  field(z.string(), description, '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08');

const auditRecord = z
  .object({
    seq: field(z.int(), 'Its place in the chain, from 1 without a gap.', 17),
    at: field(utcTime(), 'When, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    actor: field(z.string(), 'Id of the key; `system` for the service itself.', 'key-01jd3m7a'),
    role: field(z.string(), "The key's role then.", 'admin'),
    action: field(z.string(), 'What was done.', 'provider.create'),
    target: field(z.string(), 'Id or name of what it was done to.', 'pangyo'),
    requestId: field(z.string().nullable(), 'Of the request, as in the log.', 'req-01jd3m7b'),
    data: z
      .record(z.string(), z.unknown())
      .meta({ description: 'What else belongs to it; never a secret.', examples: [{ vendor: 'nhn' }] }),
    previousHash: hash('Hash of the record before; 64 zeros for the first.'),
    hash: hash('SHA-256, hex, over the canonical JSON of all other fields.'),
  })
  .meta({
    id: 'AuditRecord',
    description: 'Something that was done. Never changed, never deleted, chained by hashes.',
  });

const verdict = z
  .object({
    ok: field(z.boolean(), 'Is the chain whole?', true),
    checked: field(z.int(), 'Records that were found right, from the first on.', 1742),
    head: z
      .object({ seq: field(z.int(), 'Of the last record.', 1742), hash: hash('Of the last record.') })
      .meta({
        description:
          'The end of the chain. Note it down elsewhere: a chain rewritten as a whole can only be noticed by that.',
      }),
    brokenAt: field(z.int().nullable(), 'The first record that is wrong or missing; null: none.', null),
    problem: field(
      z.enum(AUDIT_BREAKS).nullable(),
      '`changed`: its hash is not its own; `unlinked`: it does not follow the one before; `missing`: there is a gap; `truncated`: the end is cut off.',
      null,
    ),
  })
  .meta({ id: 'AuditVerdict', description: 'Whether the audit is as it was written.' });

const auditQuery = z.strictObject({
  actor: field(safeLine(200).optional(), 'Only by this key.', 'key-admin'),
  action: field(safeLine(200).optional(), 'Only this action.', 'job.submit'),
  target: field(safeLine(500).optional(), 'Only what was done to this.', 'job-01jd3m8r'),
  ...paging,
});

export function auditRoutes(app: App, { deps }: Room): void {
  app.get(
    '/v1/audit',
    {
      config: { may: 'audit.read' },
      schema: {
        operationId: 'listAudit',
        tags,
        summary: 'What was done',
        description: 'Newest first.',
        querystring: auditQuery,
        response: { 200: answer('A page of records.', page(auditRecord, 'The records.')) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const found = await listAudit(deps.store.db, filter, readCursor('audit', cursor, aSeq), limit);
      return renderPage('audit', found, (row) => [row.seq], render);
    },
  );

  app.get(
    '/v1/audit/verify',
    {
      config: { may: 'audit.read' },
      schema: {
        operationId: 'verifyAudit',
        tags,
        summary: 'Is the audit as it was written?',
        description:
          'Walks the whole chain, a few tens of thousands of records a second. Finds what was changed, taken out, put in or cut off; not that somebody with all power over the database wrote all of it anew: for that, compare `head` with one noted down elsewhere.',
        response: { 200: answer('The verdict.', verdict) },
      },
    },
    async () => {
      const { ok, checked, head, broken } = await verifyAudit(deps);
      return { ok, checked, head, brokenAt: broken?.seq ?? null, problem: broken?.kind ?? null };
    },
  );
}

function render(link: AuditLink) {
  const { seq, actor, role, action, target, requestId, data, previousHash, hash: own } = link;
  return {
    seq,
    at: link.at.toISOString(),
    actor,
    role,
    action,
    target,
    requestId,
    data,
    previousHash,
    hash: own,
  };
}
