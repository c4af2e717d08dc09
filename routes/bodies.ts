import type { App } from './room.ts';

/**
 * JSON and nothing else; routes that take other things say so in their own scope (415 everywhere else).
 * An empty JSON body is no body: many clients send the content type with every POST.
 */
export function acceptJson(app: App): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body as string, done);
  });
}
