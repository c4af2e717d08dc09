import Fastify, { LogController, type FastifyInstance } from 'fastify';
import { Problem } from '../src/core/problem.ts';
import type { Deps } from '../src/deps.ts';
import { findJobHome } from '../src/store/read/people.ts';
import { readPolicies } from '../src/store/read/policies.ts';
import { agentRoutes } from './agent.ts';
import { allocationRoutes } from './allocations.ts';
import { auditRoutes } from './audit.ts';
import { budgetLedgerRoutes } from './budget-ledger.ts';
import { budgetTransferRoutes } from './budget-transfers.ts';
import { budgetRoutes } from './budgets.ts';
import { makeAuthenticator } from './auth.ts';
import { acceptJson } from './bodies.ts';
import { makeCache } from './cache.ts';
import { complianceRoutes } from './compliance.ts';
import { correctionRoutes } from './corrections.ts';
import { costRoutes } from './costs.ts';
import { decisionRoutes } from './decisions.ts';
import { documentRoutes } from './document.ts';
import { drillReportRoutes } from './drill-report.ts';
import { drillRoutes } from './drills.ts';
import { eventRoutes } from './events.ts';
import { makeEventFeed } from './feed.ts';
import { guard } from './guard.ts';
import { jobApprovalRoutes } from './job-approvals.ts';
import { jobRoutes } from './jobs.ts';
import { logRequests } from './logging.ts';
import { jobLogRoutes } from './logs.ts';
import { monthRoutes } from './months.ts';
import { moveRoutes } from './moves.ts';
import { offerRoutes } from './offers.ts';
import { opsRoutes } from './ops.ts';
import { peopleRoutes } from './people.ts';
import { policyRoutes } from './policies.ts';
import { sendProblem } from './problems.ts';
import { providerHealthRoutes } from './provider-health.ts';
import { providerRoutes } from './providers.ts';
import { quoteRoutes } from './quotes.ts';
import { rateRoutes } from './rates.ts';
import { readinessRoutes } from './readiness.ts';
import { requestId } from './request-id.ts';
import type { App, Room } from './room.ts';
import { ruleRoutes } from './rules.ts';
import { validatorCompiler } from './validation.ts';
import { webhookRoutes } from './webhooks.ts';

const MIB = 1024 * 1024;
const PROJECT_BELIEVED_MS = 1_000;
const POLICIES_BELIEVED_MS = 1_000;
const PROJECTS_KEPT = 10_000;

/** What may differ between installations and tests. */
export interface DoorOptions {
  /** Failed attempts to show a key, per client address and minute, before they are answered 429. */
  readonly failuresPerMinute?: number;
  /** Requests per key and minute; null: no limit, which is the default. */
  readonly requestsPerMinute?: number | null;
}

/** The whole door, registered and not listening yet. Touches nothing of `deps` before the first request but its log. */
export function buildApp(deps: Deps, options: DoorOptions = {}): FastifyInstance {
  const app = newApp(deps);
  const stopping = new AbortController();
  app.addHook('preClose', async () => stopping.abort(new Error('the service is stopping')));
  // What was held open leaves an idle connection behind, which a closing server would wait for.
  app.addHook('onResponse', async (request) => {
    if (stopping.signal.aborted) request.raw.socket.destroySoon();
  });
  const auth = makeAuthenticator(deps);
  guard(app, auth, {
    failuresPerMinute: options.failuresPerMinute ?? 300,
    requestsPerMinute: options.requestsPerMinute ?? null,
  });
  const room: Room = {
    deps,
    auth,
    projects: makeCache(deps.clock, PROJECT_BELIEVED_MS, PROJECTS_KEPT, (name) =>
      findJobHome(deps.store.db, name),
    ),
    policies: makeCache(deps.clock, POLICIES_BELIEVED_MS, 1, () => readPolicies(deps.store.db)),
    feed: makeEventFeed(deps, stopping.signal),
    stopping: stopping.signal,
  };
  register(app, room);
  return app;
}

/**
 * Every door there is; of a replica that is an engine only, the operator's (it takes no calls, so it may not look as
 * if it did). The document's routes come first: they watch the others being registered.
 */
function register(app: App, room: Room): void {
  if (room.deps.config.role === 'engine') return opsRoutes(app, room);
  documentRoutes(app, room);
  app.after(() => {
    opsRoutes(app, room);
    peopleRoutes(app, room);
    ruleRoutes(app, room);
    jobRoutes(app, room);
    jobApprovalRoutes(app, room);
    allocationRoutes(app, room);
    moveRoutes(app, room);
    eventRoutes(app, room);
    decisionRoutes(app, room);
    complianceRoutes(app, room);
    jobLogRoutes(app, room);
    quoteRoutes(app, room);
    providerRoutes(app, room);
    providerHealthRoutes(app, room);
    offerRoutes(app, room);
    rateRoutes(app, room);
    budgetRoutes(app, room);
    budgetLedgerRoutes(app, room);
    budgetTransferRoutes(app, room);
    policyRoutes(app, room);
    costRoutes(app, room);
    correctionRoutes(app, room);
    monthRoutes(app, room);
    drillRoutes(app, room);
    drillReportRoutes(app, room);
    readinessRoutes(app, room);
    webhookRoutes(app, room);
    auditRoutes(app, room);
    app.register(async (inside) => agentRoutes(inside as unknown as App, room.deps, room.stopping));
  });
}

function newApp(deps: Deps): App {
  const app = Fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: (raw) => requestId(deps, raw),
    bodyLimit: MIB,
    trustProxy: false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: (error, request, reply) => void sendProblem(request, reply, error),
  }) as unknown as App;
  app.setValidatorCompiler(validatorCompiler);
  // Answers are built from typed views and checked by the tests. Checking each again would turn a stored value that
  // an older version allowed into a 500, and cost a tenth of the intake.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new Problem('not-found', 'There is no such door: see /docs for those there are.'),
    ),
  );
  acceptJson(app);
  logRequests(app, deps.metrics);
  return app;
}
