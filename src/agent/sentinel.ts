import { spawn } from 'node:child_process';

/**
 * A shell of one megabyte that outlives the warden by a second: it waits for the end of its input, and when that
 * comes without a goodbye, the warden was killed, so it kills every process of every job that had not ended. The
 * main process of a job dies with the warden anyway (pdeathsig), but its children do not inherit that, and without
 * this they would run on, beyond every lease, until somebody starts the agent again. Stands down as soon as another
 * warden has taken over, because that one clears up itself (leftovers.ts).
 */
const SCRIPT = `
trap '' TERM INT HUP
read -r word && exit 0
strike() {
  left=
  for dir in jobs/*/; do
    [ -f "$dir/intent.json" ] && [ ! -f "$dir/exit.json" ] || continue
    id=\${dir#jobs/}; id=\${id%/}
    for cg in $(sed 's/.*"cgroups":\\[\\([^]]*\\)\\].*/\\1/; s/[",]/ /g' "$dir/intent.json"); do
      for pid in $(cat "$cg/cgroup.procs"); do kill -KILL "$pid" && left=1; done
    done
    pid=$(sed -n 's/.*"pid":\\([0-9][0-9]*\\).*/\\1/p' "$dir/started.json")
    [ -n "$pid" ] && kill -KILL -- "-$pid" && left=1
    for file in $(grep -lzx "NARU_ALLOCATION_ID=$id" /proc/[0-9]*/environ); do
      pid=\${file#/proc/}; kill -KILL "\${pid%/environ}" && left=1
    done
  done
}
round=0
while [ $round -lt 50 ]; do
  [ "$(cat warden.pid)" = "$1" ] || exit 0
  strike
  [ -n "$left" ] || exit 0
  round=$((round + 1)); sleep 0.1
done`;

/** Starts it in the data folder (the current one). `claim` is what warden.pid holds while we are the warden. */
export function postSentinel(claim: string): { dismiss(): void } {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'naru-sentinel', claim], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  return { dismiss: () => void child.stdin.end('bye\n') };
}
