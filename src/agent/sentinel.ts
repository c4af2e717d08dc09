import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { STRUCK } from './leaseFile.ts';

/**
 * So long after the moment in a job's lease file (the end of its lease, or of its paid time) the sentinel waits for the
 * warden, which acts at the end itself. The rest of the service's margin (timing.ts: 500 ms), and of that of the paid time
 * (lease.ts: as much), is for waking up, for the kill and for clocks.
 */
const SLACK_MS = 150;
/** It looks at least so often: a job with a shorter lease may have begun since. */
const LOOK_MS = 1_000;

/**
 * Two shells of one megabyte that need nobody's event loop, the second watch beside the warden's own.
 *
 * One waits for the end of its input, and when that comes without a goodbye, the warden was killed, so it kills every
 * process of every job that had not ended. The main process of a job dies with the warden anyway (pdeathsig), but its
 * children do not inherit that, and without this they would run on, beyond every lease, until somebody starts the
 * agent again. Stands down as soon as another warden has taken over, because that one clears up itself (leftovers.ts).
 *
 * The other one is for a warden that is there and does nothing: frozen (SIGSTOP, a debugger, a cgroup's freezer) or
 * starved. It sleeps until the earliest lease that it knows is over, reads it again, and kills a job that is still
 * there; the warden finds the mark in the lease's file and says what it was (leaseFile.ts). What remains is a machine
 * that is frozen as a whole, jobs and sentinel alike: there nothing runs meanwhile, and what goes on when it wakes up
 * lives until the next look, or, where the machine's clock stood still too (a paused VM), until the service's first
 * answer fences it, at longest for what was left of its lease.
 */
const SCRIPT = `
trap '' TERM INT HUP
claim=$1
# Everything that is on record of the job in this folder. No fork, because there may be hundreds; true: it found some.
# Its group does not count: a killed leader stays in it until the warden reaps it.
slay() {
  slain=1 text=
  read -r text < "$1/started.json"
  pid=\${text#*\\"pid\\":}; pid=\${pid%%[!0-9]*}
  [ -n "$pid" ] && kill -KILL -- "-$pid"
  text=
  read -r text < "$1/intent.json"
  text=\${text#*\\"cgroups\\":[}
  IFS='",'; set -- \${text%%]*}; unset IFS
  for cg; do
    [ -f "$cg/cgroup.procs" ] || continue
    [ -f "$cg/cgroup.kill" ] && echo 1 > "$cg/cgroup.kill"
    while read -r pid; do kill -KILL "$pid" && slain=0; done < "$cg/cgroup.procs"
  done
  return $slain
}
# The same of several, and what only their environment names; true: something was left.
strike() {
  left=1 names=
  for dir; do
    slay "$dir" && left=0
    names="\${names:+$names
}NARU_ALLOCATION_ID=\${dir#jobs/}"
  done
  [ -n "$names" ] || return 1
  for file in $(grep -lzxF -e "$names" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}; kill -KILL "\${pid%/environ}" && left=0
  done
  return $left
}
held() {
  holder=
  read -r holder < warden.pid
  [ "$holder" = "$claim" ]
}
watch() {
  quiet=' '
  while held && kill -0 "\${claim%% *}" && read -r up rest < /proc/uptime; do
    case $up in 0.*) now=0 ;; *) now=$((\${up%.*}\${up#*.}0 - ${SLACK_MS})) ;; esac
    next=$((now + ${LOOK_MS})) over=
    for lease in jobs/*/lease; do
      dir=\${lease%/lease} end=
      read -r end < "$lease"
      case $end in '' | *[!0-9]*) continue ;; esac
      case $quiet in *" $dir "*) continue ;; esac
      if [ "$end" -gt "$now" ]; then
        [ "$end" -lt "$next" ] && next=$end
      elif [ ! -f "$dir/exit.json" ]; then
        # Read again in one piece: the shell reads byte by byte, and may have seen half of a renewal.
        set -- $(cat "$lease")
        if [ "$1" != "$end" ]; then next=$now; continue; fi
        over="$over $dir"
        [ "$2" = ${STRUCK} ] || echo ${STRUCK} >> "$lease"
      fi
    done
    if [ -n "$over" ]; then
      strike $over || quiet="$quiet$over "
      next=$((now + 20))
    fi
    wait=$((next - now + 1)) rest=$((1000 + (next - now + 1) % 1000))
    # It may outlive us, and must not keep the folder's disk from being unmounted.
    (cd /; exec sleep "$((wait / 1000)).\${rest#1}")
  done
}
watch &
watcher=$!
read -r word && { kill -KILL "$watcher"; wait "$watcher"; exit 0; }
kill -KILL "$watcher"
round=0
while [ $round -lt 50 ] && held; do
  set --
  for dir in jobs/*; do
    [ -f "$dir/intent.json" ] && [ ! -f "$dir/exit.json" ] && set -- "$@" "$dir"
  done
  strike "$@" || exit 0
  round=$((round + 1)); sleep 0.1
done`;

/** How long it may take to go. */
const PARTING_MS = 500;

export interface Sentinel {
  /** Sends it home, because nothing is left to watch; `gone` is called once, when it went or did not in half a second. */
  dismiss(gone: () => void): void;
}

/** Starts it in the data folder (the current one). `claim` is what warden.pid holds while we are the warden. */
export function postSentinel(claim: string): Sentinel {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'naru-sentinel', claim], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
  });
  const over = new Promise<void>((resolve) => child.once('exit', resolve).once('error', () => resolve()));
  child.stdin.on('error', () => undefined);
  child.unref();
  return {
    dismiss: (gone) => {
      void Promise.race([over, sleep(PARTING_MS)]).then(gone);
      child.stdin.end('bye\n');
    },
  };
}
