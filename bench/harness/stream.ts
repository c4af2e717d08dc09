import type { Service } from './service.ts';

/** A job's event: what, and when by the service's clock. */
export interface Told {
  readonly type: string;
  readonly at: string;
}

/** A job's events as they arrive over SSE, from the first one. Ends when the stream does. */
export async function* eventsOf(service: Service, jobId: string): AsyncGenerator<Told> {
  const gone = new AbortController();
  const answer = await fetch(`${service.url}/v1/jobs/${jobId}/events`, {
    headers: { authorization: `Bearer ${service.key}`, accept: 'text/event-stream' },
    signal: gone.signal,
  });
  if (!answer.ok || answer.body === null) throw new Error(`events of ${jobId}: ${answer.status}`);
  let rest = '';
  try {
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as Told;
    }
  } finally {
    gone.abort();
  }
}
