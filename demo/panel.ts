import type { Job } from './api.ts';
import { EPOCHS } from './model.ts';
import type { Line } from './ledger.ts';
import { SERVICE, TRAINING, VENDORS } from './story.ts';
import { pad, sparkline, table, type Paint } from './text.ts';
import type { Picture } from './watch.ts';

/** The moving part of the screen: vendors above, jobs below. */
export function panelOf(picture: Picture, paint: Paint): string[] {
  const vendors = VENDORS.map(({ name, korean }) => {
    const provider = picture.providers.get(name);
    const { offered = 0, used = 0 } = provider?.capacity ?? {};
    const bar = '■'.repeat(used) + '□'.repeat(Math.max(0, offered - used));
    return `  ${pad(name, 8)} ${korean}  ${paint.blue(pad(bar, 8))} ${healthOf(provider?.health.state, paint)}`;
  });
  const jobs = table(
    [...picture.jobs.values()].map((job) => [
      `  ${stateOf(job, paint)}`,
      job.name,
      whereOf(job, picture),
      detailOf(job, picture),
    ]),
  );
  return ['', ...vendors, ...(jobs.length > 0 ? ['', ...jobs] : [])];
}

/** The same for a log: what moves, in one line. */
export function briefOf(picture: Picture): string {
  const jobs = [...picture.jobs.values()];
  if (jobs.length === 0) return '';
  const ended = jobs.filter(({ finishedAt }) => finishedAt !== null).length;
  const training = picture.jobs.get(TRAINING);
  const service = picture.jobs.get(SERVICE);
  return [
    ...(training ? [`${TRAINING} ${detailOf(training, picture)}`] : []),
    ...(service ? [`${SERVICE} ${detailOf(service, picture)}`] : []),
    `${ended} of ${jobs.length} jobs ended`,
  ].join(' · ');
}

function healthOf(state: string | undefined, paint: Paint): string {
  if (state === 'healthy') return paint.green('● healthy');
  if (state === 'down') return paint.red('✗ down');
  return state === 'degraded' ? paint.yellow('◐ degraded') : paint.dim('○ unknown');
}

function stateOf({ state }: Job, paint: Paint): string {
  if (state === 'running') return paint.green('▶ running');
  if (state === 'succeeded' || state === 'cancelled') return paint.dim(`✓ ${state}`);
  return state === 'failed' ? paint.red('✗ failed') : paint.yellow(`◌ ${state}`);
}

function whereOf({ name, placement, attempts, finishedAt }: Job, { places }: Picture): string {
  const where = placement?.provider ?? (finishedAt === null ? '' : (places.get(name) ?? ''));
  return attempts > 1 && where !== '' ? `${where} (attempt ${attempts})` : where;
}

function detailOf(job: Job, picture: Picture): string {
  if (job.waiting !== null) return job.waiting.reason;
  if (job.name === TRAINING) return trainingDetail(picture.ledger);
  if (job.name !== SERVICE) return '';
  const right = picture.probes.filter((probe) => probe.right);
  const last = picture.probes.at(-1);
  const now = last === undefined || last.right || job.state !== 'running' ? '' : ', no answer now';
  return `${right.length} right answers${right.length > 0 ? `, model of epoch ${right.at(-1)?.epoch}` : ''}${now}`;
}

function trainingDetail(ledger: readonly Line[]): string {
  const epochs = ledger.filter((line) => line.what === 'epoch');
  const last = epochs.at(-1);
  if (last === undefined) return '';
  const losses = epochs.map(({ loss = 0 }) => loss);
  return `epoch ${last.epoch}/${EPOCHS}  loss ${(last.loss ?? 0).toFixed(3)}  ${sparkline(losses, 24)}`;
}
