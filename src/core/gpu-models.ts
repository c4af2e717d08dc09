/** What kind of thing a name under "accelerator" means. Only `gpu` and `unknown` are placed as GPUs by an import. */
export type DeviceKind = 'gpu' | 'tpu' | 'asic' | 'fpga' | 'unknown';

/**
 * One device that is known by name. `memoryGiB` lists what it is sold with, in nominal GiB as marketed for the
 * binary sizes and as usable for the rest (B200: 180; B300: 288 GB are 268 GiB); the first is the usual one.
 */
export interface Device {
  readonly model: string;
  readonly kind: DeviceKind;
  readonly memoryGiB: readonly number[];
  /**
   * The memory is part of the canonical name (A100-40GB, A100-80GB), because both are sold widely under one name
   * and a job that fits the one need not fit the other.
   */
  readonly sized?: true;
  /** Asking for this name accepts the device too: H100 accepts H100-NVL. */
  readonly family?: string;
  /** Other spellings, as upper-case letters and digits only, without vendor, memory and form factor. */
  readonly names?: readonly string[];
}

const gpu = (model: string, ...memoryGiB: number[]): Device => ({ model, kind: 'gpu', memoryGiB });
const named = (names: string[], device: Device): Device => ({ ...device, names });
const asic = (model: string, memoryGiB: number, ...names: string[]): Device => ({
  model,
  kind: 'asic',
  memoryGiB: [memoryGiB],
  names,
});
/** RTX A4000 and the like, which people also call A4000. */
const ampere = (n: number, ...memoryGiB: number[]): Device => named([`A${n}`], gpu(`RTXA${n}`, ...memoryGiB));
const ada = (n: number, memoryGiB: number): Device =>
  named([`RTX${n}SFFADA`, `${n}ADA`], gpu(`RTX${n}-Ada`, memoryGiB));
/** The trailing letters of the Blackwell workstation cards name coolers and power limits, not another chip. */
const pro = (n: number, ...memoryGiB: number[]): Device =>
  named(
    ['S', 'SE', 'WK', 'WS', 'B', 'BSE', 'BWE', 'MAXQ', 'BLACKWELL'].map((suffix) => `RTXPRO${n}${suffix}`),
    gpu(`RTX-PRO-${n}`, ...memoryGiB),
  );
const geforce = (name: string, ...memoryGiB: number[]): Device => gpu(`RTX${name}`, ...memoryGiB);

const NVIDIA_DATACENTER: readonly Device[] = [
  { ...gpu('A100', 40, 80), sized: true },
  { ...gpu('A800', 80, 40), sized: true },
  { ...gpu('V100', 16, 32), sized: true },
  named(['H100HBM3'], gpu('H100', 80)),
  { ...gpu('H100-NVL', 94), family: 'H100' },
  gpu('H200', 141),
  { ...gpu('H200-NVL', 141), family: 'H200' },
  gpu('H800', 80),
  gpu('H20', 96, 141),
  gpu('GH200', 96, 144),
  gpu('B100', 180),
  gpu('B200', 180),
  gpu('B300', 268),
  gpu('GB200', 186),
  gpu('GB300', 268),
  gpu('GB10', 128),
  gpu('A2', 16),
  gpu('A10', 24),
  gpu('A10G', 24),
  gpu('A16', 16),
  gpu('A30', 24),
  gpu('A40', 48),
  gpu('L2', 24),
  gpu('L4', 24),
  gpu('L20', 48),
  gpu('L40', 48),
  gpu('L40S', 48),
  gpu('L40G', 24),
  gpu('T4', 16),
  gpu('T4g', 16),
  gpu('P4', 8),
  gpu('P40', 24),
  gpu('P100', 16, 12),
  gpu('K80', 12),
  gpu('M40', 12, 24),
  gpu('M60', 8),
];

const NVIDIA_WORKSTATION: readonly Device[] = [
  ampere(2000, 6, 12),
  ampere(4000, 16),
  ampere(4500, 20),
  ampere(5000, 24),
  ampere(5500, 24),
  ampere(6000, 48),
  ada(2000, 16),
  ada(4000, 20),
  ada(4500, 24),
  ada(5000, 32),
  ada(5880, 48),
  ada(6000, 48),
  pro(6000, 96),
  pro(5000, 48, 72),
  pro(4500, 32),
  pro(4000, 24),
  // The Turing cards of 2018, which share their numbers with the Ada ones.
  gpu('RTX4000', 8),
  gpu('RTX5000', 16),
  gpu('RTX6000', 24),
  gpu('RTX8000', 48),
  gpu('P4000', 8),
  gpu('P5000', 16),
  gpu('P6000', 24),
  gpu('M4000', 8),
];

const NVIDIA_CONSUMER: readonly Device[] = [
  ...['2060', '1060', '1660', '1660Ti'].map((n) => gpu(`${n < '2' ? 'G' : 'R'}TX${n}`, 6)),
  ...['1070', '1070Ti', '1080'].map((n) => gpu(`GTX${n}`, 8)),
  gpu('GTX1080Ti', 11),
  ...['2070', '2080', '3050', '3070', '3070Ti', '4060', '5060'].map((n) => geforce(n, 8)),
  geforce('2080Ti', 11),
  geforce('3060', 12),
  geforce('3060Ti', 8),
  geforce('3080', 10, 12),
  geforce('3080Ti', 12),
  geforce('3090', 24),
  geforce('3090Ti', 24),
  geforce('4060Ti', 16, 8),
  geforce('4070', 12),
  named(['RTX4070S'], geforce('4070-Super', 12)),
  geforce('4070Ti', 12),
  named(['RTX4070STI', 'RTX4070TIS'], geforce('4070Ti-Super', 16)),
  geforce('4080', 16),
  named(['RTX4080S'], geforce('4080-Super', 16)),
  geforce('4090', 24, 48),
  geforce('4090D', 24, 48),
  geforce('5060Ti', 16, 8),
  geforce('5070', 12),
  geforce('5070Ti', 16),
  geforce('5080', 16),
  geforce('5090', 32),
  gpu('Titan-V', 12),
  gpu('Titan-Xp', 12),
  gpu('Titan-RTX', 24),
];

const AMD: readonly Device[] = [
  gpu('MI50', 16, 32),
  gpu('MI60', 32),
  gpu('MI100', 32),
  gpu('MI210', 64),
  gpu('MI250', 128),
  gpu('MI250X', 128),
  gpu('MI300A', 128),
  gpu('MI300X', 192),
  gpu('MI308X', 192),
  gpu('MI325X', 256),
  gpu('MI350X', 288),
  gpu('MI355X', 288),
  named(['V520'], gpu('Radeon-Pro-V520', 8)),
  named(['V620'], gpu('Radeon-Pro-V620', 32)),
  named(['V710'], gpu('Radeon-Pro-V710', 28)),
  named(['W7900'], gpu('Radeon-Pro-W7900', 48)),
  named(['RADEONRX7900XTX'], gpu('RX7900XTX', 24)),
];

const INTEL: readonly Device[] = [
  named(['DATACENTERMAX1550', 'PVC1550'], gpu('Max-1550', 128)),
  named(['DATACENTERMAX1100', 'PVC1100'], gpu('Max-1100', 48)),
  named(['DATACENTERFLEX170'], gpu('Flex-170', 16)),
  named(['DATACENTERFLEX140'], gpu('Flex-140', 6)),
  gpu('Arc-A770', 16, 8),
  gpu('Arc-B580', 12),
];

const NO_GPUS: readonly Device[] = [
  asic('Gaudi', 32, 'GAUDIHL205', 'HL205'),
  asic('Gaudi2', 96, 'GAUDIHL225', 'HL225'),
  asic('Gaudi3', 128, 'GAUDIHL325', 'HL325'),
  asic('Inferentia', 8, 'INFERENTIA1'),
  asic('Inferentia2', 32),
  asic('Trainium', 32, 'TRAINIUM1'),
  asic('Trainium2', 96),
  asic('Qualcomm-AI100', 16, 'AI100', 'CLOUDAI100', 'QUALCOMMCLOUDAI100'),
  asic('Rebellions-ATOM', 16, 'ATOM'),
  asic('Rebellions-ATOM-Max', 64, 'ATOMMAX'),
  asic('Rebellions-REBEL', 144, 'REBELQUAD', 'REBEL100'),
  asic('Furiosa-Warboy', 16, 'WARBOY', 'FURIOSAAIWARBOY'),
  asic('Furiosa-RNGD', 48, 'RNGD', 'FURIOSAAIRNGD'),
  asic('Sapeon-X220', 8, 'X220'),
  asic('Sapeon-X330', 16, 'X330'),
  { model: 'FPGA-VU9P', kind: 'fpga', memoryGiB: [], names: ['VU9P', 'VIRTEXULTRASCALEVU9P'] },
  { model: 'FPGA-U250', kind: 'fpga', memoryGiB: [64], names: ['ALVEOU250', 'XILINXALVEOU250'] },
];

/** Written from general knowledge of the products; a name that is missing is `unknown`, which works too. */
export const DEVICES: readonly Device[] = [
  ...NVIDIA_DATACENTER,
  ...NVIDIA_WORKSTATION,
  ...NVIDIA_CONSUMER,
  ...AMD,
  ...INTEL,
  ...NO_GPUS,
];
