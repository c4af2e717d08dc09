import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** `drop`: nothing arrives and nobody is told, in both directions. `reset`: every connection is refused or broken. */
export type WireMode = 'pass' | 'drop' | 'reset';

/** A network between an agent and the service, which a benchmark can cut. */
export interface Wire {
  /** What the agent is told as the service's URL. */
  readonly url: string;
  cut(mode: 'drop' | 'reset'): void;
  /**
   * Whole again. Connections of before a `drop` stay dead, as where a router has forgotten them; one that was begun
   * meanwhile comes about when its SYN is sent again, as TCP does it: a second after the one before.
   */
  heal(): void;
  close(): Promise<void>;
}

/** Linux since 6.5; before, the third comes after two seconds more. */
const SYN_AGAIN_MS = 1_000;

interface Line {
  readonly near: Socket;
  readonly far: Socket;
  /** Something of it was dropped: nothing that comes after can be told from it. */
  dead: boolean;
}

export async function startWire(serviceUrl: string): Promise<Wire> {
  const { hostname, port } = new URL(serviceUrl);
  const lines = new Set<Line>();
  const accepted = new Set<Socket>();
  let mode: WireMode = 'pass';
  const open = (near: Socket) => {
    const far = connect(Number(port), hostname);
    const line = { near, far, dead: false };
    lines.add(line);
    carry(line, near, far);
    carry(line, far, near);
    near.resume();
    near.on('close', () => {
      lines.delete(line);
      far.destroy();
    });
    far.on('close', () => {
      if (!line.dead) near.destroy();
    });
    far.on('error', () => far.destroy());
  };
  const knock = (near: Socket) => {
    if (mode === 'reset') return near.resetAndDestroy();
    if (mode === 'pass') return open(near);
    const again = setTimeout(() => knock(near), SYN_AGAIN_MS);
    near.once('close', () => clearTimeout(again));
  };
  // Nothing is read before the connection has come about; until then it is as if it were still being made.
  const server = createServer({ pauseOnConnect: true }, (near) => {
    near.on('error', () => near.destroy());
    accepted.add(near);
    near.once('close', () => accepted.delete(near));
    knock(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut(next) {
      mode = next;
      for (const line of lines) {
        // The service's end stays open, as with a real cut: nobody tells it either.
        line.dead = true;
        if (next === 'reset') line.near.resetAndDestroy();
      }
    },
    heal: () => void (mode = 'pass'),
    async close() {
      for (const { far } of lines) far.destroy();
      for (const near of accepted) near.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function carry(line: Line, from: Socket, to: Socket): void {
  from.on('data', (bytes) => {
    if (!line.dead) to.write(bytes);
  });
}
