import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reachOf, type Reach } from '../../src/core/webhook/address.ts';
import { misspelt, refusedAddress, refusedUrl, withoutQuery } from '../../src/core/webhook/url.ts';

describe('where an address leads', () => {
  const table: [Reach, readonly string[]][] = [
    ['public', ['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0']],
    [
      'public',
      ['172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0'],
    ],
    ['public', ['126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0', '223.255.255.255']],
    ['public', ['2001:4860:4860::8888', '2606:4700::1111', '2400:cb00::1', '2001:200::1']],
    ['public', ['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '64:ff9b::808:808', '2002:808:808::1']],
    [
      'loopback',
      ['127.0.0.1', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::FFFF:7f00:1'],
    ],
    ['refused', ['0.0.0.0', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255']],
    [
      'refused',
      ['169.254.0.0', '169.254.169.254', '172.16.0.0', '172.31.255.255', '192.168.0.1', '192.0.0.8'],
    ],
    ['refused', ['192.0.2.1', '192.88.99.1', '198.18.0.0', '198.19.255.255', '198.51.100.7', '203.0.113.9']],
    ['refused', ['224.0.0.1', '239.255.255.255', '240.0.0.0', '255.255.255.255']],
    ['refused', ['::', '::2', '::8.8.8.8', '100::1', '1fff::1', '4000::1', 'fc00::1', 'fdff::1', 'fe80::1']],
    [
      'refused',
      ['fec0::1', 'ff02::1', '2001::1', '2001:0:4136:e378::1', '2001:db8::1', '3fff::1', '5f00::1'],
    ],
    ['refused', ['::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '::ffff:0:8.8.8.8', '0:0:0:0:0:ffff:192.168.0.1']],
    [
      'refused',
      ['64:ff9b::10.0.0.1', '64:ff9b::169.254.169.254', '64:ff9b::127.0.0.1', '64:ff9b:1::8.8.8.8'],
    ],
    ['refused', ['64:ff9b:0:0:1::808:808', '2002:a00:1::', '2002:7f00:1::1', '2002:a9fe:a9fe::']],
    [
      'refused',
      ['fe80::1%eth0', '2606:4700::1%1', '', 'localhost', '8.8.8', '0x8.8.8.8', '8.8.8.8 ', '[::1]'],
    ],
  ];
  test.each(table.flatMap(([reach, all]) => all.map((address) => [address, reach] as const)))(
    '%j: %s',
    (address, reach) => expect(reachOf(address)).toBe(reach),
  );

  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
  test('an IPv4 address is what it is in all clothes of IPv6, though a tunnel never leads home', () => {
    fc.assert(
      fc.property(octets, ([a, b, c, d]) => {
        const plain = reachOf(`${a}.${b}.${c}.${d}`);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        expect(reachOf(`::ffff:${a}.${b}.${c}.${d}`)).toBe(plain);
        expect(reachOf(`0:0::FFFF:${hex}`)).toBe(plain);
        const inside = plain === 'public' ? 'public' : 'refused';
        expect([reachOf(`64:ff9b::${hex}`), reachOf(`2002:${hex}::5`)]).toEqual([inside, inside]);
      }),
    );
  });
});

describe('a URL', () => {
  test.each([
    ['https://hooks.example.org/naru?a=b', null],
    ['https://8.8.8.8:8443/', null],
    ['https://[2606:4700::1111]/', null],
    ['http://127.0.0.1:3000/', null],
    ['ftp://example.org/', 'https'],
    ['javascript:alert(1)', 'https'],
    ['file:///etc/passwd', 'https'],
    ['example.org', 'https'],
    ['https://', 'https'],
    ['', 'https'],
    ['https://kim:secret@example.org/', 'user name'],
    ['https://kim@example.org/', 'user name'],
    ['https://example.org/#top', 'fragment'],
    ['https://example.org/#', 'fragment'],
  ])('%j is written well: %j', (url, wrong) => {
    if (wrong === null) expect(misspelt(url)).toBeNull();
    else expect(misspelt(url)).toContain(wrong);
  });

  const PUBLIC = /not public/;
  const HTTPS = /https/;
  test.each([
    ['https://example.org/', null, null],
    ['http://example.org/', HTTPS, HTTPS],
    ['http://8.8.8.8/', HTTPS, HTTPS],
    ['https://localhost.example.org/', null, null],
    ['http://localhost:3000/', PUBLIC, null],
    ['https://LOCALHOST./', PUBLIC, null],
    ['https://api.localhost/', PUBLIC, null],
    ['http://127.0.0.1/', PUBLIC, null],
    ['https://127.1/', PUBLIC, null],
    ['https://0x7f000001/', PUBLIC, null],
    ['https://2130706433/', PUBLIC, null],
    ['https://0177.0.0.1/', PUBLIC, null],
    ['http://[::1]:8080/', PUBLIC, null],
    ['http://[::ffff:7f00:1]/', PUBLIC, null],
    ['https://10.1.2.3/', PUBLIC, PUBLIC],
    ['https://0xa9fea9fe/latest/meta-data/', PUBLIC, PUBLIC],
    ['https://169.254.169.254/', PUBLIC, PUBLIC],
    ['https://[fd00::1]/', PUBLIC, PUBLIC],
    ['https://[::ffff:192.168.0.1]/', PUBLIC, PUBLIC],
    ['https://0/', PUBLIC, PUBLIC],
    ['https://１０.０.０.１/', PUBLIC, PUBLIC],
  ])(
    '%s leads nowhere bad in production: %o, and where only this machine asks: %o',
    (url, production, own) => {
      for (const [allowed, wrong] of [
        [false, production],
        [true, own],
      ] as const) {
        const refusal = refusedUrl(url, allowed);
        if (wrong === null) expect(refusal).toBeNull();
        else expect(refusal).toMatch(wrong);
      }
    },
  );

  test('a name over plain http may lead home and nowhere else', () => {
    expect(refusedAddress('127.0.0.1', 'http:', true)).toBeNull();
    expect(refusedAddress('127.0.0.1', 'https:', false)).toMatch(PUBLIC);
    expect(refusedAddress('8.8.8.8', 'http:', true)).toMatch(HTTPS);
    expect(refusedAddress('8.8.8.8', 'https:', false)).toBeNull();
    expect(refusedAddress('10.0.0.1', 'https:', true)).toMatch(PUBLIC);
  });

  test('is shown without its query, port and path kept', () => {
    expect(withoutQuery('https://example.org:8443/a/b?token=secret')).toBe('https://example.org:8443/a/b');
  });
});
