import { fileURLToPath } from 'node:url';

/**
 * Who and what the demo is about, as data. Everything here is made up but the places: the prices are demo prices,
 * the vendors are nobody's, and the GPUs are counts that the operator declares.
 */
export interface Vendor {
  readonly name: string;
  readonly korean: string;
  readonly city: string;
  readonly region: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly gpuModel: string;
  readonly gpus: number;
  /** KRW per hour of one GPU with its share of the machine. */
  readonly gpuPrice: string;
  /** KRW per hour of two cores without a GPU. */
  readonly cpuPrice: string;
}

const PANGYO: Vendor = {
  name: 'pangyo',
  korean: '판교',
  city: 'Pangyo',
  region: 'kr-gyeonggi',
  latitude: 37.3909,
  longitude: 127.0968,
  gpuModel: 'H100',
  gpus: 4,
  gpuPrice: '3900',
  cpuPrice: '120',
};

const GWANGJU: Vendor = {
  name: 'gwangju',
  korean: '광주',
  city: 'Gwangju',
  region: 'kr-honam',
  latitude: 35.1595,
  longitude: 126.8526,
  gpuModel: 'H100',
  gpus: 4,
  gpuPrice: '4600',
  cpuPrice: '110',
};

const DAEGU: Vendor = {
  name: 'daegu',
  korean: '대구',
  city: 'Daegu',
  region: 'kr-yeongnam',
  latitude: 35.87,
  longitude: 128.6,
  gpuModel: 'A100-80GB',
  gpus: 3,
  gpuPrice: '4100',
  cpuPrice: '90',
};

export const VENDORS: readonly Vendor[] = [PANGYO, GWANGJU, DAEGU];
export const PROJECT = 'demo';
export const ORGANIZATION = 'demo';

export function vendorOf(name: string): Vendor | undefined {
  return VENDORS.find((vendor) => vendor.name === name);
}

/** The body of `PUT /v1/providers/{name}/offers`. */
export function offersOf({ region, gpuModel, gpus, gpuPrice, cpuPrice }: Vendor): object[] {
  const won = (amount: string) => ({ amount, currency: 'KRW' });
  const gpu = { model: gpuModel, count: 1, memoryGiB: 80 };
  return [
    {
      name: `${gpuModel.toLowerCase()}-x1`,
      region,
      gpu,
      cpus: 8,
      memoryGiB: 64,
      capacity: gpus,
      price: won(gpuPrice),
    },
    {
      name: 'cpu-x2',
      region,
      gpu: null,
      cpus: 2,
      memoryGiB: 8,
      capacity: 2,
      price: won(cpuPrice),
    },
  ];
}

export const TRAINING = 'train-moons';
export const SERVICE = 'serve-moons';

/** One job: what is submitted, and what a person should know of it. */
export interface Task {
  readonly name: string;
  readonly what: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const script = (file: string) => [process.execPath, fileURLToPath(new URL(file, import.meta.url))];

/** Every job notes its own start and end in the ledger, outside everybody's sandbox. */
function bodyOf(
  name: string,
  file: string,
  ledger: string,
  env: Record<string, string>,
): Record<string, unknown> {
  return {
    name,
    project: PROJECT,
    kind: 'training',
    run: { command: script(file), env: { DEMO_LEDGER: ledger, DEMO_NAME: name, ...env } },
    graceSeconds: 5,
  };
}

export function trainingTask(ledger: string): Task {
  return {
    name: TRAINING,
    what: 'learns to tell two half-moons apart; saves a checkpoint every second',
    body: {
      ...bodyOf(TRAINING, './train.mjs', ledger, {}),
      resources: { gpu: { count: 1, models: ['H100'] } },
      checkpoint: { intervalSeconds: 1 },
      continuity: { mode: 'restart', rtoSeconds: 15, rpoSeconds: 5 },
    },
  };
}

export function serviceTask(ledger: string, trainingJob: string): Task {
  return {
    name: SERVICE,
    what: 'answers predictions over HTTP with the model that the training saved last',
    body: {
      ...bodyOf(SERVICE, './serve-model.mjs', ledger, {}),
      kind: 'inference',
      resources: { gpu: { count: 1, models: ['H100', 'A100-80GB'], minMemoryGiB: 40 } },
      checkpoint: { intervalSeconds: 3600, fromJob: trainingJob },
      continuity: { mode: 'restart', rtoSeconds: 15 },
      serve: { healthPath: '/health' },
      priority: 80,
    },
  };
}

/** Ordinary jobs, spread by what each asks for. The long one keeps no checkpoint, and will lose its provider. */
export function ordinaryTasks(ledger: string): Task[] {
  const task = (name: string, seconds: number, what: string, more: Record<string, unknown>): Task => ({
    name,
    what: `${what}, ${seconds} s`,
    body: { ...bodyOf(name, './work.mjs', ledger, { DEMO_SECONDS: String(seconds) }), ...more },
  });
  const cpu = { resources: { gpu: { count: 0 }, cpus: 1 } };
  return [
    task('evaluate-suite', 16, 'any GPU, cheapest', { resources: { gpu: { count: 1 } } }),
    task('embed-documents', 6, 'any GPU in kr-honam', {
      resources: { gpu: { count: 1 } },
      placement: { regions: { allow: ['kr-honam'] } },
    }),
    task('caption-images', 5, 'an A100-80GB', { resources: { gpu: { count: 1, models: ['A100-80GB'] } } }),
    task('tokenize-corpus', 4, 'no GPU, cheapest', cpu),
    task('clean-dataset', 3, 'no GPU, at most 115 KRW an hour', {
      ...cpu,
      placement: { maxPricePerHour: { amount: '115', currency: 'KRW' }, providers: { deny: ['daegu'] } },
    }),
    task('index-dataset', 4, 'no GPU, where the most is free', {
      ...cpu,
      placement: { objective: 'available' },
    }),
  ];
}

/** Seconds that an ordinary job works; null for the others. */
export function lengthOf(name: string): number | null {
  const run = ordinaryTasks('').find((task) => task.name === name)?.body['run'];
  const { DEMO_SECONDS } = (run as { env: Record<string, string> } | undefined)?.env ?? {};
  return DEMO_SECONDS === undefined ? null : Number(DEMO_SECONDS);
}
