/**
 * What an NVIDIA driver's XID codes mean for a broker: who is to blame, how bad it is, and what has to be done. Codes 46,
 * 48 and 79 are as NVIDIA's own pages have them; the rest of the table, and the action of every code, is from the common
 * knowledge of operators, and not checked against the catalogue here. A code that is not in it says nothing.
 */

/** `application`: the job's own mistake; `gpu`: one device; `node`: the machine around it (bus, link, firmware). */
export const GPU_BLAMES = ['application', 'gpu', 'node'] as const;
export type GpuBlame = (typeof GPU_BLAMES)[number];

/** `fatal`: work on that device has died, or will. `warning`: it goes on, and the device should be looked at. */
export const GPU_SEVERITIES = ['none', 'warning', 'fatal'] as const;
export type GpuSeverity = (typeof GPU_SEVERITIES)[number];

/** What has to be done before the device is trusted again; the buckets of NVIDIA's catalogue. */
export const GPU_ACTIONS = ['ignore', 'restart-app', 'reset-gpu', 'reboot-node', 'contact-support'] as const;
export type GpuAction = (typeof GPU_ACTIONS)[number];

export interface XidMeaning {
  /** For people. */
  readonly meaning: string;
  readonly blame: GpuBlame;
  readonly severity: GpuSeverity;
  readonly action: GpuAction;
}

const xid = (meaning: string, blame: GpuBlame, severity: GpuSeverity, action: GpuAction): XidMeaning => ({
  meaning,
  blame,
  severity,
  action,
});

const XIDS: Readonly<Record<number, XidMeaning>> = {
  8: xid('a kernel ran too long and was stopped', 'application', 'none', 'restart-app'),
  13: xid('graphics engine exception', 'application', 'none', 'restart-app'),
  31: xid('memory page fault', 'application', 'none', 'restart-app'),
  32: xid('invalid or corrupted push buffer stream', 'application', 'none', 'restart-app'),
  38: xid('driver firmware error', 'gpu', 'fatal', 'reset-gpu'),
  43: xid('stopped processing for one application', 'application', 'none', 'restart-app'),
  45: xid('preemptive cleanup, due to previous errors', 'application', 'none', 'ignore'),
  46: xid('the GPU stopped processing', 'gpu', 'fatal', 'reset-gpu'),
  48: xid('double-bit memory error', 'gpu', 'fatal', 'reset-gpu'),
  61: xid('internal micro-controller breakpoint', 'gpu', 'fatal', 'reset-gpu'),
  62: xid('internal micro-controller halt', 'gpu', 'fatal', 'reset-gpu'),
  63: xid('a memory row was remapped', 'gpu', 'warning', 'reset-gpu'),
  64: xid('a memory row could not be remapped', 'gpu', 'fatal', 'reset-gpu'),
  74: xid('NVLink error', 'node', 'fatal', 'reset-gpu'),
  79: xid('the GPU has fallen off the bus', 'gpu', 'fatal', 'reboot-node'),
  92: xid('many single-bit memory errors', 'gpu', 'warning', 'contact-support'),
  94: xid('contained memory error', 'gpu', 'warning', 'restart-app'),
  95: xid('uncontained memory error', 'gpu', 'fatal', 'reset-gpu'),
  119: xid('the GPU system processor does not answer', 'gpu', 'fatal', 'reset-gpu'),
  120: xid('the GPU system processor failed', 'gpu', 'fatal', 'reset-gpu'),
};

export const KNOWN_XIDS: readonly number[] = Object.keys(XIDS).map(Number);

const UNKNOWN: XidMeaning = xid('not in our table', 'application', 'none', 'ignore');

export function meaningOf(code: number): XidMeaning {
  return XIDS[code] ?? UNKNOWN;
}

/** Does it speak against the machine? What an application did to itself says nothing about whoever ran it. */
export function speaksAgainstProvider(code: number): boolean {
  const { blame, severity } = meaningOf(code);
  return blame !== 'application' && severity === 'fatal';
}

/** One line of the driver's in the kernel log. */
export interface XidLine {
  /** As the kernel names it: `0000:3b:00`. */
  readonly device: string;
  readonly xid: number;
  /** What followed the code, at most 300 characters. */
  readonly text: string;
}

const XID_LINE = /NVRM: Xid \(PCI:([0-9a-fA-F:.]{1,20})\): (\d{1,4})(?:, ?(.*))?$/;

/** `NVRM: Xid (PCI:0000:3b:00): 79, pid=…`, whatever stands before it; null: it is of something else. */
export function parseXid(line: string): XidLine | null {
  const [, device, code, text = ''] = XID_LINE.exec(line.trimEnd()) ?? [];
  if (device === undefined || code === undefined) return null;
  return { device: device.toLowerCase(), xid: Number(code), text: text.trim().slice(0, 300) };
}
