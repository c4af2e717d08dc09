/**
 * The demo's service job: loads what the training job last saved (put into NARU_CHECKPOINT_DIR before the start) and
 * answers predictions on NARU_PORT until it is told to stop.
 *
 *   GET  /health            200 once it can answer
 *   GET  /model             {epoch, loss, digest, attempt}
 *   POST /predict           {points: [[x1, x2], …]} → {epoch, probabilities: […]}
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { note } from './note.ts';
import { digestOf, predict } from './model.ts';

const model = JSON.parse(readFileSync(join(process.env.NARU_CHECKPOINT_DIR ?? '.', 'model.json'), 'utf8'));
const about = {
  epoch: model.epoch,
  loss: model.loss,
  digest: digestOf(model),
  attempt: Number(process.env.NARU_ATTEMPT ?? 1),
};

const server = createServer(async (request, response) => {
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    if (request.url === '/health') return answer(200, { ok: true });
    if (request.url === '/model') return answer(200, about);
    if (request.method !== 'POST' || request.url !== '/predict')
      return answer(404, { error: 'no such page' });
    const { points } = JSON.parse(await bodyOf(request));
    return answer(200, { ...about, probabilities: points.map((point) => predict(model, point)) });
  } catch {
    return answer(400, { error: 'send {"points": [[x1, x2], …]}' });
  }
});

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

function stop() {
  note('stopped', { epoch: model.epoch });
  console.log('told to stop');
  server.close(() => process.exit(0));
  server.closeAllConnections();
}

process.on('SIGTERM', stop).on('SIGINT', stop);
server.listen(Number(process.env.NARU_PORT ?? 8000), process.env.DEMO_HOST ?? '127.0.0.1', () => {
  note('start', { epoch: model.epoch });
  console.log(`answering with the model of epoch ${model.epoch}`);
});
