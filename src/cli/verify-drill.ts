import { readFile } from 'node:fs/promises';
import type { PublicJwk } from '../core/drill/signature.ts';
import { faultsOf, type SignedReport } from '../core/drill/verify.ts';
import { StartError } from '../core/start-error.ts';
import { readOptions, UsageError, type Command } from './command.ts';

const OPTIONS = {
  report: { type: 'string' },
  jwks: { type: 'string' },
  audit: { type: 'string' },
} as const;

export const command: Command = {
  help: `naru verify-drill: says whether the report of a drill is what an installation signed. Needs no service and no key.

  --report FILE           what GET /v1/drills/{id}/report answered, as JSON
  --jwks FILE|URL         its keys: /.well-known/jwks.json, or a copy that you were given another way
  --audit FILE            what GET /v1/audit?target={id}&limit=500 answered: also holds it against the records

Prints what it found; exit code 0: it is what was signed, 1: it is not.`,
  async run(args) {
    const { report, jwks, audit } = readOptions(args, OPTIONS);
    if (report === undefined || jwks === undefined) throw new UsageError('--report and --jwks are needed');
    const signed = (await read(report)) as Partial<SignedReport>;
    const { keys } = (await read(jwks)) as { keys?: (PublicJwk & { kid: string })[] };
    const records = audit === undefined ? null : ((await read(audit)) as { items?: { seq: number }[] }).items;
    if (signed.report === undefined || signed.evidence === undefined)
      throw new StartError(`${report} holds no report`);
    if (!Array.isArray(keys)) throw new StartError(`${jwks} holds no keys`);
    if (records === undefined) throw new StartError(`${audit} holds no audit records`);
    return tell(signed as SignedReport, faultsOf(signed as SignedReport, keys, records), records !== null);
  },
};

function tell({ report, evidence }: SignedReport, faults: readonly string[], audited: boolean): number {
  for (const fault of faults) console.log(`NOT AS SIGNED: ${fault}`);
  if (faults.length > 0) return 1;
  const of = audited ? 'The report and its audit records are' : 'The report is';
  console.log(`${of} what was signed: drill ${String(report.drill)}, ${String(report.result)}.`);
  console.log(`key ${String(evidence['kid'])}: compare it with what the installation told you another way.`);
  return 0;
}

async function read(from: string): Promise<unknown> {
  try {
    const text = /^https?:/.test(from) ? await (await fetch(from)).text() : await readFile(from, 'utf8');
    return JSON.parse(text);
  } catch (error) {
    throw new StartError(`cannot read ${from}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
