import { get } from 'node:http';
import { connect, createServer } from 'node:net';

/** A free port, `preferred` if it is. Freed again before it is returned: the job takes it in the next moment. */
export async function freePort(preferred: number | null, held: ReadonlySet<number>): Promise<number> {
  if (preferred !== null && !held.has(preferred) && (await tryPort(preferred)) !== null) return preferred;
  for (let tries = 0; tries < 20; tries++) {
    const port = await tryPort(0);
    if (port !== null && !held.has(port)) return port;
  }
  throw new Error('there is no free port');
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : null;
      server.close(() => resolve(found));
    });
  });
}

const TIMEOUT_MS = 2_000;

/** Does the service answer? With a health path: 2xx there; without: it accepts a connection. */
export function isAnswering(port: number, healthPath: string | null): Promise<boolean> {
  return healthPath === null ? acceptsConnection(port) : answersWell(port, healthPath);
}

function answersWell(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, timeout: TIMEOUT_MS, agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      response.destroy();
      resolve(status >= 200 && status < 300);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}

function acceptsConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: TIMEOUT_MS });
    const done = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}
