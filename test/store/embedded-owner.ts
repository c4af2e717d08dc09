import { startEmbedded } from '../../src/store/embedded.ts';
import { quiet } from '../harness/log.ts';

/** A process of its own that owns the server in the folder that it is told, says so, and stays. */
const server = await startEmbedded({ dir: process.argv[2] ?? '', log: quiet, fsync: false });
await server.url();
process.stdout.write('owner\n');
setInterval(() => {}, 60_000);
