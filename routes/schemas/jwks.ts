import { z } from 'zod';
import { field } from './fields.ts';

const text = (description: string, example: string) => field(z.string(), description, example);

export const jwks = z
  .object({
    keys: z
      .array(
        z.object({
          kty: field(z.literal('OKP'), 'RFC 8037.', 'OKP'),
          crv: field(z.literal('Ed25519'), 'The curve.', 'Ed25519'),
          x: text('The public key, base64url.', '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'),
          kid: text('RFC 7638 thumbprint.', 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'),
          use: field(z.literal('sig'), 'What it is for.', 'sig'),
          alg: field(z.literal('EdDSA'), 'How.', 'EdDSA'),
        }),
      )
      .meta({ description: 'All keys that ever signed, the newest first.' }),
  })
  .meta({ id: 'Jwks', description: 'RFC 7517.' });
