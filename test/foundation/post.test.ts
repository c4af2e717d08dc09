import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPost, type PostOptions } from '../../src/post.ts';
import { openReceiver, type Receiver } from '../harness/receiver.ts';

let receiver: Receiver;
beforeEach(async () => void (receiver = await openReceiver()));
afterEach(() => receiver.close());

const send = (url = receiver.url, options: Partial<PostOptions> = {}, stopping?: AbortSignal) =>
  createPost({ loopback: true, ...options })(url, '{"한":1}', { 'naru-event': 'test' }, stopping);

/** The receiver's port, under a name. */
const named = (host: string) => receiver.url.replace('127.0.0.1', host);

test('the body arrives as it is, with its headers, on a connection of its own', async () => {
  expect(await send(`${receiver.url}?a=b`)).toEqual({ status: 204, retryAfter: null });
  expect(receiver.received).toMatchObject([
    {
      method: 'POST',
      path: '/hook?a=b',
      body: '{"한":1}',
      headers: { 'naru-event': 'test', 'content-length': '9', connection: 'close' },
    },
  ]);
});

test.each([301, 302, 303, 307, 308])('a redirect (%d) is answered, never followed', async (status) => {
  receiver.answer = (response) => void response.writeHead(status, { location: receiver.url }).end();
  expect(await send()).toMatchObject({ status });
  expect(receiver.received).toHaveLength(1);
});

test('when to come back is handed on', async () => {
  receiver.answer = (response) => void response.writeHead(503, { 'retry-after': '120' }).end();
  expect(await send()).toEqual({ status: 503, retryAfter: '120' });
});

test('who does not answer is not waited for', async () => {
  receiver.answer = () => undefined;
  expect(await send(receiver.url, { timeoutMs: 200 })).toEqual({
    status: null,
    error: 'It did not answer in time.',
  });
});

test('an answer that never ends is one, and is cut off', async () => {
  let cut: Promise<unknown> = Promise.resolve();
  receiver.answer = (response) => {
    response.writeHead(200);
    cut = new Promise((closed) => response.on('close', closed));
    const more = () => {
      while (response.writable && response.write(Buffer.alloc(16_384))) {}
    };
    response.on('drain', more);
    more();
  };
  expect(await send()).toMatchObject({ status: 200 });
  await cut;
});

test('an answer whose body drips counts by its status', async () => {
  receiver.answer = (response) => void response.writeHead(200).write('x');
  expect(await send(receiver.url, { timeoutMs: 200 })).toMatchObject({ status: 200 });
});

test('who hangs up, or does not listen, is told of in words without an address', async () => {
  receiver.answer = (response) => void response.destroy();
  expect(await send()).toEqual({
    status: null,
    error: 'It closed the connection without an answer.',
  });
  const { url } = receiver;
  await receiver.close();
  expect(await send(url)).toEqual({ status: null, error: 'It refused the connection.' });
  receiver = await openReceiver();
});

test('a stop interrupts what is on its way', async () => {
  const stop = new AbortController();
  receiver.answer = () => stop.abort();
  expect(await send(receiver.url, {}, stop.signal)).toMatchObject({ status: null });
});

describe('a name', () => {
  const answering = (...addresses: string[]) => {
    const asked: string[] = [];
    const lookup = (hostname: string) => {
      asked.push(hostname);
      return Promise.resolve(
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    return { asked, lookup };
  };

  test('is resolved once, and the call goes to what was looked at', async () => {
    const { asked, lookup } = answering('127.0.0.1');
    expect(await send(named('hooks.localhost'), { lookup })).toMatchObject({ status: 204 });
    expect(asked).toEqual(['hooks.localhost']);
    expect(receiver.received[0]?.headers.host).toMatch(/^hooks\.localhost:\d+$/);
  });

  test.each([
    [['127.0.0.1'], false],
    [['127.0.0.1', '10.0.0.1'], true],
    [['8.8.8.8', '127.0.0.1'], false],
    [['169.254.169.254'], true],
    [['fd00::1'], true],
    [['::ffff:127.0.0.1'], false],
    [['8.8.8.8', '64:ff9b::a00:1'], true],
  ])('that leads to %j is not called (loopback allowed: %j)', async (addresses, loopback) => {
    const { lookup } = answering(...addresses);
    expect(
      await send(`https://hooks.example.org:${new URL(receiver.url).port}/`, { loopback, lookup }),
    ).toEqual({
      status: null,
      error: 'It leads to an address that is not public.',
    });
    expect(receiver.received).toEqual([]);
  });

  test('that leads nowhere, or that nobody knows, is a failed attempt', async () => {
    const { lookup } = answering();
    const url = 'https://hooks.example.org/';
    expect(await send(url, { lookup })).toEqual({ status: null, error: 'Its name leads nowhere.' });
    const unknown = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    expect(await send(url, { lookup: unknown })).toEqual({ status: null, error: 'Its name is not known.' });
    const slow = () => new Promise<never>(() => undefined);
    expect(await send(url, { lookup: slow, timeoutMs: 50 })).toMatchObject({ status: null });
  });
});

test('what was allowed when it was made is not when the service has moved', async () => {
  expect(await send(receiver.url, { loopback: false })).toEqual({
    status: null,
    error: 'It leads to an address that is not public.',
  });
  expect(receiver.received).toEqual([]);
});
