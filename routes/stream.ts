import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/**
 * Answers with texts as they come. The head goes out at once: while there is no text yet, the client should know
 * that it was let in.
 */
export function sendStream(reply: FastifyReply, texts: AsyncIterable<string>): FastifyReply {
  return reply.send(Readable.from(headFirst(reply, texts)));
}

async function* headFirst(reply: FastifyReply, texts: AsyncIterable<string>): AsyncGenerator<string> {
  // Runs when the stream is first read, which is after the framework has set the headers.
  reply.raw.flushHeaders();
  yield* texts;
}
