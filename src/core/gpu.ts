import { DEVICES, type Device, type DeviceKind } from './gpu-models.ts';

/**
 * One name for one device, however a vendor, a driver or a tenant spells it.
 *
 * What an OFFER's spelling means: `canonicalGpu`. "NVIDIA A100-SXM4-80GB", "A100-80G-PCIe" and "A100" with 80 GiB
 * are all A100-80GB; "A100" with nothing said is A100-40GB, as in every catalog that sells both.
 * What a JOB's spelling accepts: `acceptedGpus`. "A100" accepts both sizes, "A100-80GB" only that one, "H100"
 * accepts the NVL card too, "H100-SXM" only offers that say SXM: one that says nothing may be anything.
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

export interface AcceptedGpus {
  /** Canonical models, each in the form factor that was asked for (null: any); empty when `problem` is set. */
  readonly gpus: readonly { readonly model: string; readonly formFactor: FormFactor | null }[];
  /** For the tenant: why this spelling cannot be asked for. */
  readonly problem: string | null;
}

interface Spelling {
  /** Letters and digits of everything that is not noise. */
  readonly key: string;
  readonly bareKey: string;
  readonly memoryGiB: number | null;
  readonly formFactor: FormFactor | null;
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
  const found = BY_KEY.get(read.key) ?? BY_KEY.get(read.bareKey);
  const known = memoryGiB ?? read.memoryGiB;
  if (!found)
    return { model: unknownModel(spelling), memoryGiB: known, formFactor: read.formFactor, kind: 'unknown' };
  const device = relativeWith(found, known);
  const size =
    nominalMemory(device, memoryGiB) ?? nominalMemory(device, read.memoryGiB) ?? device.memoryGiB[0] ?? null;
  return {
    model: modelOf(device, size),
    memoryGiB: size,
    formFactor: formFactorOf(device, read),
    kind: device.kind,
  };
}

/** The canonical models that a job's spelling accepts. */
export function acceptedGpus(spelling: string): AcceptedGpus {
  const identity = canonicalGpu(spelling);
  const read = readSpelling(spelling);
  const found = BY_KEY.get(read.key) ?? BY_KEY.get(read.bareKey);
  // A card that is its own model (H100-NVL) has its form factor in its name.
  const formFactor = found?.model.endsWith('-NVL') === true ? null : read.formFactor;
  const only = (model: string) => ({ model, formFactor });
  if (!found) return { gpus: [only(identity.model)], problem: null };
  const models = found.sized && read.memoryGiB === null ? sizesOf(found) : [identity.model];
  const wanted = (device: Device) =>
    device.family === found.model &&
    (read.memoryGiB === null || nominalMemory(device, read.memoryGiB) !== null) &&
    (formFactor === null || device.model.endsWith(`-${formFactor}`));
  const relatives = DEVICES.filter(wanted).map(({ model }) => ({ model, formFactor: null }));
  return { gpus: [...models.map(only), ...relatives], problem: null };
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
  const read = readSpelling(spelling);
  const found = BY_KEY.get(read.key) ?? BY_KEY.get(read.bareKey);
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
  const formFactor = named.map(formFactorOfToken).find((form) => form !== null) ?? null;
  const bare = named.filter((token) => formFactorOfToken(token) === null);
  const memoryGiB = memory === null ? null : Number.parseInt(memory, 10);
  return { key: named.join(''), bareKey: bare.join(''), memoryGiB, formFactor };
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

function formFactorOf(device: Device, read: Spelling): FormFactor | null {
  return device.model.endsWith('-NVL') ? 'NVL' : read.formFactor;
}

/** Kept recognisable and made comparable: "My npu 7" and "my-npu-7" are the same unknown device. */
function unknownModel(spelling: string): string {
  const words = spelling.toUpperCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.length === 0 ? 'UNKNOWN' : words.join('-');
}
