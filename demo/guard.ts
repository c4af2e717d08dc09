/**
 * Stands beside the demo and outlives it, for the case that the demo is killed outright. Told by its input which
 * folder to watch over; when that input ends without a goodbye, the demo is dead, and everything that belongs to the
 * folder goes. Not told by arguments or environment: it would find itself.
 */
import { sweep } from './sweep.ts';

let told = '';
process.stdin.setEncoding('utf8').on('data', (chunk: string) => (told += chunk));
process.stdin.on('end', () => {
  const [folder, goodbye] = told.split('\n');
  if (!folder || goodbye === 'bye') return;
  sweep(folder).catch(() => process.exit(1));
});
// Ctrl-C in the terminal is for the demo; we leave when it has.
process
  .on('SIGINT', () => {})
  .on('SIGTERM', () => {})
  .on('SIGHUP', () => {});
