/** An expected reason not to start. Its message is the one line that the operator sees; the program exits 1. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}
