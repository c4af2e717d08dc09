import { z } from 'zod';
import { BROKER_KINDS, PROVIDER_MODES, REALMS } from '../../src/core/provider.ts';
import { health, vendorStatus, when } from './health.ts';
import { country, field, normalTime, safeLine, slug, utcTime, vendorName, version } from './fields.ts';

/** Kinds of the contract that this version cannot do: whatever their settings, they are refused as not yet supported. */
const LATER_KINDS = ['kubernetes', 'slurm', 'openstack'] as const;

const kind = <Kind extends string>(name: Kind) => field(z.literal(name), 'How it is worked with.', name);
const brokerId = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}Broker`;
const mapping = Object.fromEntries(
  ['agent', 'process', ...LATER_KINDS].map((name) => [name, `#/components/schemas/${brokerId(name)}`]),
);
const broker = z
  .discriminatedUnion('kind', [
    z
      .strictObject({ kind: kind('agent') })
      .meta({ id: brokerId('agent'), description: 'A program of ours beside the GPUs dials in.' }),
    z
      .strictObject({
        kind: kind('process'),
        gpus: z
          .strictObject({
            count: field(z.int().min(1).max(64), 'How many GPUs.', 2),
            model: field(safeLine(64), 'Their model.', 'RTX 4090'),
            memoryGiB: field(
              z.number().min(0).max(10_000).default(0),
              'Memory of each, GiB; 0: not known.',
              24,
            ),
          })
          .optional()
          .meta({ description: 'What GPUs the machine has, where `nvidia-smi` cannot say.' }),
      })
      .meta({
        id: brokerId('process'),
        description:
          "Commands on the service's own machine; only where HOST is loopback or NARU_PROCESS_BROKER=1.",
      }),
    ...LATER_KINDS.map((name) =>
      z.looseObject({ kind: kind(name) }).meta({ id: brokerId(name), description: 'Not supported yet.' }),
    ),
  ])
  .meta({ description: 'The adapter and its settings.', discriminator: { propertyName: 'kind', mapping } });

const site = z.strictObject({
  city: field(safeLine(100), 'Where it stands.', 'Pangyo'),
  country: field(country(), 'ISO 3166-1 alpha-2.', 'KR'),
  region: field(vendorName(), "The vendor's name for the region.", 'kr-central'),
  latitude: field(z.number().min(-90).max(90), 'Degrees north, WGS 84.', 37.4),
  longitude: field(z.number().min(-180).max(180), 'Degrees east, WGS 84.', 127.1),
});

const certification = z.strictObject({
  scheme: field(safeLine(100), 'Who certifies.', 'CSAP'),
  grade: field(safeLine(100), 'What is certified.', 'high'),
  validFrom: field(normalTime(), 'RFC 3339.', '2026-01-01T00:00:00.000Z'),
  validUntil: field(normalTime(), 'RFC 3339.', '2028-01-01T00:00:00.000Z'),
});

const certifications = z.array(certification).max(50);
const siteField = site.meta({ description: 'Where it stands.' });
const realmField = () => field(z.enum(REALMS), 'Whose cloud it is.', 'public');

export const providerRequest = z
  .strictObject({
    name: field(slug(), 'Unique; used in other resources.', 'pangyo'),
    vendor: field(slug(), 'The firm whose it is.', 'nhn'),
    broker,
    site: siteField,
    realm: realmField(),
    certifications: certifications.default([]).meta({ description: 'What it is certified for.' }),
  })
  .meta({ id: 'ProviderRequest', description: 'A place that runs jobs.' });

export const providerPatch = z
  .strictObject({
    site: siteField.optional(),
    realm: realmField().optional(),
    certifications: certifications
      .optional()
      .meta({ description: 'What it is certified for; replaces them all.' }),
  })
  .meta({ id: 'ProviderPatch', description: 'What is to be different; absent fields stay.' });

const providerFields = {
  name: field(z.string(), 'Its name.', 'pangyo'),
  vendor: field(z.string(), 'The firm whose it is.', 'nhn'),
  broker: z
    .object({ kind: field(z.enum(BROKER_KINDS), 'How it is worked with.', 'agent') })
    .catchall(z.unknown())
    .meta({ description: 'The adapter and its settings, never a secret.' }),
  site: siteField,
  realm: realmField(),
  certifications: certifications.meta({ description: 'What it is certified for.' }),
  attested: z
    .object({
      at: field(utcTime(), 'When, RFC 3339.', '2026-11-22T10:00:00.000Z'),
      by: field(z.string(), 'The role of who did.', 'admin'),
    })
    .nullable()
    .meta({
      description:
        'Whether somebody of the service vouched for realm and certifications as they are; null: nobody has, and certificates and realms that are not public count for nothing.',
    }),
  mode: field(
    z.enum(PROVIDER_MODES),
    '`draining`: what runs there goes on, nothing new is placed.',
    'active',
  ),
  health,
  vendorStatus: vendorStatus
    .nullable()
    .meta({ description: 'What the vendor itself says now; null: nothing.' }),
  capacity: z
    .object({
      offered: field(z.number(), 'Whole offers that are sold.', 4),
      used: field(z.number(), 'Of them in use, those that are withdrawn and still in use too.', 1),
    })
    .meta({ description: 'In whole offers.' }),
  agent: z
    .object({
      version: field(z.string().nullable(), 'Of its program.', '0.1.0'),
      lastContactAt: when('When it was last heard, RFC 3339; null: never.'),
      inventory: z
        .object({
          hostname: field(z.string(), 'Its machine.', 'gpu-01'),
          gpus: z
            .array(
              z.object({
                index: field(z.int(), 'As CUDA counts them.', 0),
                model: field(z.string(), 'As the driver says.', 'NVIDIA H100 80GB HBM3'),
                memoryGiB: field(z.number(), 'Of the device, GiB.', 80),
              }),
            )
            .meta({ description: 'Its GPUs.' }),
          cpus: field(z.number(), 'CPU cores.', 64),
          memoryGiB: field(z.number(), 'Main memory, GiB.', 512),
          limits: field(
            z.enum(['cgroup2', 'cgroup1', 'none']),
            'How CPU and memory limits are kept there.',
            'cgroup2',
          ),
        })
        .nullable()
        .meta({ description: 'What the machine has, as the agent says; null: not heard yet.' }),
    })
    .nullable()
    .meta({ description: "Kind agent: what is known of the vendor's program." }),
  version: version(),
  createdAt: field(utcTime(), 'When it was registered, RFC 3339.', '2026-11-22T10:00:00.000Z'),
};

export const provider = z
  .object(providerFields)
  .meta({ id: 'Provider', description: 'A place that runs jobs.' });
export const newProvider = z
  .object({
    ...providerFields,
    agentKey: field(
      z.string().nullable(),
      "Kind agent: the secret of its agent's key, shown this once (`naru agent --key`).",
      'naru_Xq3vEXAMPLEEXAMPLEEXAMPLE',
    ),
    agentKeyId: field(
      z.string().nullable(),
      'Kind agent: the id of that key, to revoke it by.',
      'key-01jd3m7a',
    ),
  })
  .meta({ id: 'NewProvider', description: 'A provider and, this once, the key for its agent.' });

export const providerParams = z.object({ name: field(slug(), 'Name of the provider.', 'pangyo') });
