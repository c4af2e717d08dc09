import { AwsClient } from 'aws4fetch';
import { afterEach, describe, expect, it } from 'vitest';
import { hasS3, testS3 } from '../harness/s3.ts';
import { World } from './world.ts';

/** Saves a word once and waits to be lost; finds the word again and ends. */
const SAVE_OR_RESTORE = `
  if [ -f "$NARU_CHECKPOINT_DIR/word" ]; then echo "attempt $NARU_ATTEMPT found $(cat "$NARU_CHECKPOINT_DIR/word")"; exit 0; fi
  echo ferry > "$NARU_CHECKPOINT_DIR/.word"; mv "$NARU_CHECKPOINT_DIR/.word" "$NARU_CHECKPOINT_DIR/word"
  exec sleep 300`;

describe('what a job saved is there after its provider was lost', () => {
  let world: World;
  afterEach(() => world.close());

  it("from the service's own disk", { timeout: 120_000 }, async () => {
    world = new World();
    await survives(world);
  });

  it.skipIf(!hasS3('checkpoints on S3, end to end'))('from S3', { timeout: 180_000 }, async () => {
    const s3 = await testS3();
    try {
      await makeBucket(s3.url);
      world = new World({ NARU_CHECKPOINTS: s3.url });
      await survives(world);
    } finally {
      await s3.close();
    }
  });
});

async function survives(world: World): Promise<void> {
  await world.service();
  await world.project();
  const cheap = await world.agent('cheap', { capacity: 2, price: '100' });
  await world.agent('dear', { capacity: 2, price: '900' });
  const id = await world.submit({
    ...world.ledgerJob('saver', 0),
    run: { command: ['sh', '-c', SAVE_OR_RESTORE] },
    checkpoint: { intervalSeconds: 1 },
  });
  await world.event(id, 'checkpoint.saved');
  await cheap.killTree();
  const job = await world.until(id, ['succeeded', 'failed'], 90_000);
  expect(job).toMatchObject({ state: 'succeeded', attempts: 2, placement: { provider: 'dear' } });
  expect(await world.text(`/v1/jobs/${id}/logs`)).toContain('attempt 2 found ferry');
}

async function makeBucket(given: string): Promise<void> {
  const url = new URL(given);
  const client = new AwsClient({ accessKeyId: url.username, secretAccessKey: url.password, service: 's3' });
  await client.fetch(`${url.searchParams.get('endpoint') ?? ''}/${url.hostname}`, { method: 'PUT' });
}
