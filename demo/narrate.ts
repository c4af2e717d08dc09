import type { Job, Provider } from './api.ts';
import { vendorOf } from './story.ts';
import { money, type Paint } from './text.ts';
import type { Picture } from './watch.ts';

/** What a person would say about the difference between two looks. */
export function differences(now: Picture, before: Picture, paint: Paint): string[] {
  const jobs = [...now.jobs.values()].flatMap((job) =>
    aboutJob(job, before.jobs.get(job.name), now.places.get(job.name), paint),
  );
  const providers = [...now.providers.values()].flatMap((one) =>
    aboutProvider(one, before.providers.get(one.name), paint),
  );
  return [...providers, ...jobs];
}

function aboutJob(job: Job, before: Job | undefined, place: string | undefined, paint: Paint): string[] {
  const name = paint.bold(job.name);
  const { placement } = job;
  const at = place === undefined ? '' : ` at ${place}`;
  const lines: string[] = [];
  if (placement !== null && (before?.placement === null || before?.attempts !== job.attempts)) {
    const again = job.attempts > 1 ? `, attempt ${job.attempts}` : '';
    lines.push(
      `${name} → ${placement.provider}, ${placement.offer} at ${money(placement.pricePerHour)}/h${again}`,
    );
  }
  if (job.state === before?.state) return lines;
  if (job.state === 'queued' && before !== undefined)
    lines.push(`${name} ${paint.yellow('is queued again')} (${job.reason})`);
  if (job.state === 'running' && job.attempts > 1) lines.push(`${name} ${paint.green('runs again')}${at}`);
  if (job.state === 'succeeded') lines.push(`${name} ${paint.green('succeeded')}${at}`);
  if (job.state === 'cancelled') lines.push(`${name} was stopped${at} as asked`);
  if (job.state === 'failed')
    lines.push(`${name} ${paint.red('failed')} (${job.reason}, exit code ${job.exitCode})`);
  return lines;
}

function aboutProvider({ name, health }: Provider, before: Provider | undefined, paint: Paint): string[] {
  if (before === undefined || health.state === before.health.state) return [];
  const vendor = `${paint.bold(name)} ${vendorOf(name)?.korean ?? ''}`;
  if (health.state === 'down') return [`${vendor} ${paint.red('is given up')}: silent for too long`];
  if (health.state === 'degraded')
    return [`${vendor} ${paint.yellow('is silent')}: nothing new is placed there`];
  return health.state === 'healthy' ? [`${vendor} ${paint.green('is healthy')}`] : [];
}
