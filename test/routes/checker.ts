import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** Holds answers against the document: the status, the content type and the body have to be declared. */
export interface Checker {
  /** Throws with what is not as declared. */
  check(method: string, route: string, status: number, contentType: string | undefined, text: string): void;
}

interface Media {
  readonly schema?: object;
}
interface Operation {
  readonly responses: Record<string, { readonly content?: Record<string, Media> }>;
}

export function makeChecker(document: object): Checker {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(document, 'doc');
  const compiled = new Map<string, ValidateFunction>();
  const { paths } = document as { paths: Record<string, Record<string, Operation>> };
  const escape = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');
  const validatorOf = (pointer: string): ValidateFunction => {
    const known = compiled.get(pointer) ?? ajv.compile({ $ref: `doc#${pointer}` });
    compiled.set(pointer, known);
    return known;
  };
  return {
    check(method, route, status, contentType, text) {
      const what = `${method} ${route} → ${status} ${contentType ?? ''}`;
      const declared = paths[route]?.[method.toLowerCase()]?.responses[String(status)];
      if (declared === undefined)
        throw new Error(`${what}: the status is not declared: ${text.slice(0, 300)}`);
      const type = contentType?.split(';')[0];
      if (declared.content === undefined) {
        if (text !== '') throw new Error(`${what}: a body where none is declared`);
        return;
      }
      if (type === undefined || declared.content[type] === undefined)
        throw new Error(`${what}: the content type is not declared`);
      if (!type.endsWith('json')) return;
      const pointer = [
        'paths',
        route,
        method.toLowerCase(),
        'responses',
        String(status),
        'content',
        type,
        'schema',
      ]
        .map((part) => `/${encodeURIComponent(escape(part))}`)
        .join('');
      const validate = validatorOf(pointer);
      if (!validate(JSON.parse(text)))
        throw new Error(`${what}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 500)}`);
    },
  };
}
