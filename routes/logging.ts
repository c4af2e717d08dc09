import type { Metrics } from '../src/metrics.ts';
import type { App } from './room.ts';

/**
 * One line for each request that is answered: who, what, how it ended, how long it took; the id of the request is
 * in every line of it. Never a header, a body or a query. Reads that went well only at `debug`. And one measurement,
 * by the name that the operation has in the document.
 */
export function logRequests(app: App, metrics: Pick<Metrics, 'observeFlow'>): void {
  app.addHook('onResponse', async (request, reply) => {
    const { operationId } = (request.routeOptions.schema ?? {}) as { operationId?: string };
    if (operationId !== undefined)
      metrics.observeFlow(operationId, outcomeOf(reply.statusCode), reply.elapsedTime / 1000);
    const level =
      reply.statusCode >= 500
        ? 'error'
        : reply.statusCode < 400 && request.method === 'GET'
          ? 'debug'
          : 'info';
    const { id, name } = (request.params ?? {}) as { id?: string; name?: string };
    request.log[level](
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        actor: request.actor?.id,
        jobId: id?.startsWith('job-') === true ? id : undefined,
        provider: request.routeOptions.url?.startsWith('/v1/providers') === true ? name : undefined,
      },
      'answered',
    );
  });
}

const outcomeOf = (status: number) => (status < 400 ? 'ok' : status < 500 ? 'refused' : 'failed');
