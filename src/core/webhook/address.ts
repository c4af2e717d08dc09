import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Where an address leads: to anybody's machine, to this one, or to where nobody outside may make us call. */
export type Reach = 'public' | 'loopback' | 'refused';

/** IPv4 that is not anybody's on the Internet (IANA special-purpose registry). */
const NOT_PUBLIC_V4: readonly (readonly [net: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** The same within 2000::/3, outside of which nothing of IPv6 is public: protocol assignments, documentation. */
const NOT_PUBLIC_V6: readonly (readonly [net: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
];

const notPublic = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_V4) notPublic.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of NOT_PUBLIC_V6) notPublic.addSubnet(net, prefix, 'ipv6');
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Of an address as it is written, without brackets. What is no address is refused. */
export function reachOf(address: string): Reach {
  if (isIPv4(address)) return reachOfV4(address);
  const groups = isIPv6(address) ? groupsOf(address) : null;
  return groups === null ? 'refused' : reachOfV6(address, groups);
}

function reachOfV4(address: string): Reach {
  if (loopback.check(address, 'ipv4')) return 'loopback';
  return notPublic.check(address, 'ipv4') ? 'refused' : 'public';
}

function reachOfV6(address: string, groups: readonly number[]): Reach {
  const zeros = (count: number) => groups.slice(0, count).every((group) => group === 0);
  if (zeros(7) && groups[7] === 1) return 'loopback';
  // ::ffff:a.b.c.d is that very IPv4 address.
  if (zeros(5) && groups[5] === 0xffff) return reachOfV4(v4At(groups, 6));
  // A translator's address (NAT64) and a tunnel's (6to4) lead to the IPv4 address inside; never to this machine.
  if (groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0))
    return inside(v4At(groups, 6));
  if (groups[0] === 0x2002) return inside(v4At(groups, 1));
  if (!globalUnicast.check(address, 'ipv6')) return 'refused';
  return notPublic.check(address, 'ipv6') ? 'refused' : 'public';
}

const inside = (address: string): Reach => (reachOfV4(address) === 'public' ? 'public' : 'refused');

function v4At(groups: readonly number[], index: number): string {
  const pair = [groups[index] ?? 0, groups[index + 1] ?? 0];
  return pair.flatMap((group) => [group >> 8, group & 255]).join('.');
}

/** The eight numbers. The URL parser writes every form in one way: lower case, without dots. Null with a zone (`%eth0`). */
function groupsOf(address: string): number[] | null {
  const host = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  if (host === undefined) return null;
  const [before = [], after = []] = host
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))));
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
