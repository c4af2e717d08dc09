import { DEVICES, type Device, type DeviceKind } from './gpu-models.ts';

/**
 * One name for one device, however a vendor, a driver or a tenant spells it.
 *
 * What an OFFER's spelling means: `canonicalGpu`. "NVIDIA A100-SXM4-80GB", "A100-80G-PCIe" and "A100" with 80 GiB
 * are all A100-80GB; "A100" with nothing said is A100-40GB, as in every catalog that sells both.
 * What a JOB's spelling accepts: `acceptedGpus`. "A100" accepts both sizes, "A100-80GB" only that one, "H100"
 * accepts the NVL card too, and "H100-SXM" only offers that say that they are SXM.
 */
export const FORM_FACTORS = ['SXM', 'PCIe', 'NVL'] as const;
export type FormFactor = (typeof FORM_FACTORS)[number];

export interface GpuIdentity {
  /** Canonical: canonicalGpu(model).model is model again. */
  readonly model: string;
  /** Nominal GiB of one device; null where nothing is known. */
  readonly memoryGiB: number | null;
  readonly formFactor: FormFactor | null;
  readonly kind: DeviceKind;
}

/** A kind of GPU that is accepted. */
export interface AcceptedGpu {
  /** Canonical. */
  readonly model: string;
  /** Null: any, also where the offer does not say. */
  readonly formFactor: FormFactor | null;
}

export interface AcceptedGpus {
  /** Empty when `problem` is set. */
  readonly gpus: readonly AcceptedGpu[];
  /** For the tenant: why this spelling cannot be asked for. */
  readonly problem: string | null;
}

interface Spelling {
  /** Letters and digits of everything that is not noise. */
  readonly key: string;
  readonly bareKey: string;
  readonly memoryGiB: number | null;
  /** As spelled; more than one contradict each other. */
  readonly formFactors: readonly FormFactor[];
}

const NOISE = new Set(
  `NVIDIA GEFORCE TESLA QUADRO AMD INSTINCT INTEL HABANA XILINX GPU GPUS ACCELERATOR NVLINK OAM DGX HGX GENERATION
   EDITION WORKSTATION SERVER BLACKWELL HBM2 HBM2E HBM3 HBM3E GDDR6 GDDR7`.split(/\s+/),
);
const FORM_FACTOR_TOKENS: readonly (readonly [RegExp, FormFactor])[] = [
  [/^SXM\d?$/, 'SXM'],
  [/^PCIE$/, 'PCIe'],
  [/^NVL$/, 'NVL'],
];
const TPU = /^(?:google[ -]*)?(?:cloud[ -]*)?tpu[ -]*(v\d+[a-z]*(?:-\d+)?)$/i;

const keyOf = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9]/g, '');

const BY_KEY: ReadonlyMap<string, Device> = new Map(
  DEVICES.flatMap((device) =>
    [device.model, ...(device.names ?? [])].map((name) => [keyOf(name), device] as const),
  ),
);

/** What a spelling means. `memoryGiB` is what is known of one device from elsewhere; it settles a name of two sizes. */
export function canonicalGpu(spelling: string, memoryGiB: number | null = null): GpuIdentity {
  const tpu = TPU.exec(spelling.trim());
  if (tpu) return { model: `tpu-${tpu[1]?.toLowerCase()}`, memoryGiB: null, formFactor: null, kind: 'tpu' };
  const read = readSpelling(spelling);
  const found = deviceOf(read);
  const known = memoryGiB ?? read.memoryGiB;
  const formFactor = read.formFactors[0] ?? null;
  if (!found) return { model: unknownModel(spelling), memoryGiB: known, formFactor, kind: 'unknown' };
  const device = relativeWith(found, known);
  const size =
    nominalMemory(device, memoryGiB) ?? nominalMemory(device, read.memoryGiB) ?? device.memoryGiB[0] ?? null;
  return {
    model: modelOf(device, size),
    memoryGiB: size,
    formFactor: device.model.endsWith('-NVL') ? 'NVL' : formFactor,
    kind: device.kind,
  };
}

/** What a job's spelling accepts. */
export function acceptedGpus(spelling: string): AcceptedGpus {
  const read = readSpelling(spelling);
  const { model } = canonicalGpu(spelling);
  const found = deviceOf(read);
  // "H100-NVL" is a model of its own, so that its form factor asks for nothing more.
  const formFactors = found?.model.endsWith('-NVL') ? [] : read.formFactors;
  if (formFactors.length > 1)
    return { gpus: [], problem: `${spelling} names several form factors: ${formFactors.join(', ')}` };
  const formFactor = formFactors[0] ?? null;
  const models = found?.sized && read.memoryGiB === null ? sizesOf(found) : [model];
  const relatives = found === undefined ? [] : relativesOf(found, read.memoryGiB, formFactor);
  return {
    gpus: [
      ...models.map((one) => ({ model: one, formFactor })),
      ...relatives.filter((one) => !models.includes(one)).map((one) => ({ model: one, formFactor: null })),
    ],
    problem: null,
  };
}

/** Models that go under the device's name too, of this size and this form factor; null: of any. */
function relativesOf(device: Device, memoryGiB: number | null, formFactor: FormFactor | null): string[] {
  const wanted = (other: Device) =>
    other.family === device.model &&
    (formFactor === null || other.model.endsWith(`-${formFactor}`)) &&
    (memoryGiB === null || nominalMemory(other, memoryGiB) !== null);
  return DEVICES.filter(wanted).map((other) => other.model);
}

/** The names that tell sizes apart, where a spelling names a device that is sold in several and says no size. */
export function undecidedSizes(spelling: string): readonly string[] {
  const read = readSpelling(spelling);
  const found = deviceOf(read);
  return found?.sized && read.memoryGiB === null ? sizesOf(found) : [];
}

/**
 * The nominal size that a measured one stands for (81559 MiB are 80 GiB, 46068 MiB are 48), or null when the
 * device is not sold with anything near it. 8 % covers what drivers and ECC keep for themselves.
 */
export function nominalMemory(device: Pick<Device, 'memoryGiB'>, measuredGiB: number | null): number | null {
  if (measuredGiB === null) return null;
  const distance = (size: number) => Math.abs(size - measuredGiB) / size;
  const [nearest] = [...device.memoryGiB].sort((a, b) => distance(a) - distance(b));
  return nearest !== undefined && distance(nearest) <= 0.08 ? nearest : null;
}

/** Every size that a spelling's device is sold with, its relatives' included; empty where it is unknown. */
export function knownSizes(spelling: string): readonly number[] {
  const found = deviceOf(readSpelling(spelling));
  if (!found) return [];
  return [found, ...DEVICES.filter((device) => device.family === found.model)].flatMap(
    (device) => device.memoryGiB,
  );
}

function readSpelling(spelling: string): Spelling {
  const tokens = spelling
    .toUpperCase()
    .replace(/MAX-Q/g, '')
    .split(/[^A-Z0-9]+/)
    .filter((token) => token !== '' && !NOISE.has(token));
  const memory = tokens.find((token) => /^\d+(GB|GIB|G)$/.test(token)) ?? null;
  const named = tokens.filter((token) => token !== memory);
  const formFactors = [...new Set(named.flatMap((token) => formFactorOfToken(token) ?? []))];
  const bare = named.filter((token) => formFactorOfToken(token) === null);
  const memoryGiB = memory === null ? null : Number.parseInt(memory, 10);
  return { key: named.join(''), bareKey: bare.join(''), memoryGiB, formFactors };
}

function deviceOf({ key, bareKey }: Spelling): Device | undefined {
  return BY_KEY.get(key) ?? BY_KEY.get(bareKey);
}

function formFactorOfToken(token: string): FormFactor | null {
  return FORM_FACTOR_TOKENS.find(([pattern]) => pattern.test(token))?.[1] ?? null;
}

/** H100 with 94 GiB is the NVL card, whatever the catalog calls it. */
function relativeWith(device: Device, knownGiB: number | null): Device {
  if (knownGiB === null || nominalMemory(device, knownGiB) !== null) return device;
  const fits = (other: Device) => other.family === device.model && nominalMemory(other, knownGiB) !== null;
  return DEVICES.find(fits) ?? device;
}

function modelOf(device: Device, size: number | null): string {
  return device.sized && size !== null ? `${device.model}-${size}GB` : device.model;
}

function sizesOf(device: Device): string[] {
  return device.memoryGiB.map((size) => modelOf(device, size));
}

/** Kept recognisable and made comparable: "My npu 7" and "my-npu-7" are the same unknown device. */
function unknownModel(spelling: string): string {
  const words = spelling.toUpperCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.length === 0 ? 'UNKNOWN' : words.join('-');
}
