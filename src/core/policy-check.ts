import { acceptedGpus, canonicalGpu, undecidedSizes } from './gpu.ts';
import type {
  CapacityClass,
  CapacityClassMember,
  DataGradeRow,
  GpuSpeed,
  PolicyName,
  PolicyRows,
} from './policy.ts';
import type { ProblemDetailItem } from './problem.ts';

/** A table as it is stored (GPUs by their canonical names), and what of it cannot be; pointers are into the table. */
export interface CheckedTable<Rows> {
  readonly rows: Rows;
  readonly errors: readonly ProblemDetailItem[];
}

/** Beyond these it is a slip of the pen, and hours computed with it would be no numbers any more. */
const SPEED_MIN = 0.001;
const SPEED_MAX = 1_000;

const CHECKS: { readonly [Name in PolicyName]: (rows: PolicyRows<Name>) => CheckedTable<PolicyRows<Name>> } =
  {
    'data-grades': checkDataGrades,
    'capacity-classes': checkCapacityClasses,
    'gpu-speeds': checkGpuSpeeds,
  };

/** What a table says, and where it contradicts itself. Empty errors: nowhere. */
export function checkPolicy<Name extends PolicyName>(
  name: Name,
  rows: PolicyRows<Name>,
): CheckedTable<PolicyRows<Name>> {
  return CHECKS[name](rows);
}

function checkDataGrades(rows: readonly DataGradeRow[]): CheckedTable<readonly DataGradeRow[]> {
  const errors = rows.flatMap(({ validFrom, validUntil }, index) =>
    validUntil !== null && Date.parse(validUntil) <= Date.parse(validFrom)
      ? [{ pointer: `/${index}/validUntil`, detail: 'It has to be after `validFrom`.' }]
      : [],
  );
  const same = (row: DataGradeRow) => JSON.stringify({ ...row, note: '' });
  return { rows, errors: [...errors, ...repeated(rows.map(same), (index) => `/${index}`)] };
}

function checkCapacityClasses(rows: readonly CapacityClass[]): CheckedTable<readonly CapacityClass[]> {
  const checked = rows.map((row, index) => ({ ...row, checked: checkMembers(row, `/${index}/members`) }));
  return {
    rows: checked.map(({ checked: { members }, ...row }) => ({ ...row, members })),
    errors: [
      ...repeated(
        rows.map((row) => row.name),
        (index) => `/${index}/name`,
      ),
      ...checked.flatMap((row) => row.checked.errors),
    ],
  };
}

function checkMembers({ members }: CapacityClass, at: string) {
  const read = members.map((member, index) => checkMember(member, `${at}/${index}`));
  const keys = read.map(({ member }) => `${member.model} ${member.formFactor}`);
  return {
    members: read.map(({ member }) => member),
    errors: [...read.flatMap(({ errors }) => errors), ...repeated(keys, (index) => `${at}/${index}/model`)],
  };
}

/** A member may be spelled with its form factor, as a job may. */
function checkMember(member: CapacityClassMember, at: string) {
  const { model, errors } = checkModel(member.model, `${at}/model`);
  const formFactor = member.formFactor ?? acceptedGpus(member.model).gpus[0]?.formFactor ?? null;
  const spelled = canonicalGpu(member.model).formFactor;
  const twoWords = spelled !== null && formFactor !== null && spelled !== formFactor;
  return {
    member: { ...member, model, formFactor },
    errors: twoWords
      ? [...errors, { pointer: `${at}/formFactor`, detail: `\`model\` says ${spelled}.` }]
      : errors,
  };
}

function checkGpuSpeeds(rows: readonly GpuSpeed[]): CheckedTable<readonly GpuSpeed[]> {
  const read = rows.map((row, index) => checkModel(row.model, `/${index}/model`));
  const models = read.map(({ model }) => model);
  const slow = rows.flatMap(({ speed }, index) =>
    speed >= SPEED_MIN && speed <= SPEED_MAX
      ? []
      : [{ pointer: `/${index}/speed`, detail: `It has to be from ${SPEED_MIN} to ${SPEED_MAX}.` }],
  );
  return {
    rows: rows.map((row, index) => ({ ...row, model: models[index] ?? row.model })),
    errors: [
      ...read.flatMap(({ errors }) => errors),
      ...slow,
      ...repeated(models, (index) => `/${index}/model`),
    ],
  };
}

/** One model for one spelling: where it leaves the size open, nobody but the writer knows which is meant. */
function checkModel(spelling: string, pointer: string): { model: string; errors: ProblemDetailItem[] } {
  const { model } = canonicalGpu(spelling);
  const { problem } = acceptedGpus(spelling);
  const sizes = undecidedSizes(spelling);
  if (problem !== null) return { model, errors: [{ pointer, detail: problem }] };
  if (sizes.length === 0) return { model, errors: [] };
  return { model, errors: [{ pointer, detail: `It is sold as ${sizes.join(' and ')}: say which.` }] };
}

/** Names every key that was there before, and where. */
function repeated(keys: readonly string[], pointerTo: (index: number) => string): ProblemDetailItem[] {
  const first = new Map<string, number>();
  return keys.flatMap((key, index) => {
    const before = first.get(key);
    if (before === undefined) first.set(key, index);
    return before === undefined
      ? []
      : [{ pointer: pointerTo(index), detail: `The same as ${pointerTo(before)}.` }];
  });
}
