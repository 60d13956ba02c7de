import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Connection } from '../../../lib/field/appliance/connection.ts';
import { refusalOf, unreachable } from '../../../lib/field/appliance/connection-errors.ts';

const url = 'http://pi:1880/appliance';
const secure = 'https://pi:1880/appliance';
const system = (code: string, message = code) => Object.assign(new Error(message), { code });

describe('an appliance that is not reached', () => {
  it.each([
    [system('ENOTFOUND', 'getaddrinfo ENOTFOUND pi'), url, 'lost', 'There is no host "pi".', '192.168'],
    [system('EAI_AGAIN', 'getaddrinfo EAI_AGAIN pi'), url, 'lost', 'There is no host "pi".', '192.168'],
    [system('ECONNREFUSED'), url, 'lost', 'Nothing answers at pi:1880: connection refused.', 'listens'],
    [system('ETIMEDOUT', 'connect ETIMEDOUT 10.0.0.9:1880'), url, 'lost', 'there is no way to it', 'listens'],
    [system('EHOSTUNREACH', 'connect EHOSTUNREACH 10.0.0.9'), url, 'lost', 'there is no way to it', 'listens'],
    [system('ECONNRESET', 'socket hang up'), url, 'lost', 'the connection was cut', 'https://pi:1880'],
    [system('ECONNRESET', 'read ECONNRESET'), secure, 'lost', 'the connection was cut', 'listens'],
    [system('HPE_INVALID_CONSTANT', 'Parse Error'), url, 'bad-input', 'pi:1880 does not speak HTTP.', 'port'],
    [system('EPROTO', 'wrong version number'), secure, 'bad-input', 'does not speak HTTPS', 'http://pi:1880'],
    [system('CERT_HAS_EXPIRED', 'certificate has expired'), secure, 'bad-input', 'not valid today', 'clocks'],
    [system('CERT_NOT_YET_VALID', 'certificate is not yet valid'), secure, 'bad-input', 'not valid today', 'clocks'],
    [
      system('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'),
      secure,
      'bad-input',
      'is not trusted',
      '--cacert',
    ],
  ])('by %s says why and what to do', (thrown, address, code, sentence, remedy) => {
    const error = unreachable(thrown, address);
    expect(error).toMatchObject({ code, message: expect.stringContaining(sentence) });
    expect(error.remedy).toContain(remedy);
  });

  it('because it hears and says nothing is given up after a while', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as { port: number };
    const asked = new Connection({ url: `http://127.0.0.1:${port}` }).request('/status', { idleSeconds: 0.2 });
    await expect(asked).rejects.toMatchObject({ code: 'lost', message: expect.stringContaining('nothing was heard') });
  });
});

it('a connection that was closed while it waited is no failure', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    let asked = 0;
    socket.on('error', () => {});
    // The second request on one connection is cut off.
    socket.on('data', () => {
      if (++asked > 1) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\nNightflow-Api: 1\r\nContent-Length: 2\r\n\r\n{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const connection = new Connection({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` });
  expect(await connection.json('/status')).toEqual({});
  expect(await connection.json('/status')).toEqual({});
  expect(connections).toBe(2);
});

describe('a refusal', () => {
  const html = '<!DOCTYPE html><title>Error</title>';
  const json = JSON.stringify({ error: { code: 'busy', message: 'The camera is busy.', remedy: 'Wait.' } });
  it.each([
    [401, { 'www-authenticate': 'Basic realm="x"' }, '', {}, 'bad-input', 'asks for user and password.'],
    [401, { 'www-authenticate': 'Basic' }, '', { token: 't' }, 'bad-input', 'user and password and not for a token'],
    [401, { 'www-authenticate': 'Basic' }, '', { user: 'eva' }, 'bad-input', 'does not know the user "eva"'],
    [
      401,
      { 'www-authenticate': 'Bearer' },
      '{"error":{"message":"The token is wrong."}}',
      {},
      'bad-input',
      'token is wrong',
    ],
    [429, {}, 'Too many', {}, 'bad-input', 'too many wrong passwords'],
    [403, {}, 'This address is not for other host names.', {}, 'bad-input', 'not for other host names'],
    [301, { location: 'https://pi/' }, '', {}, 'bad-input', 'is elsewhere now'],
    [404, {}, html, {}, 'lost', 'No RAW appliance is at http://pi:1880/appliance (it answers 404)'],
    [502, {}, html, {}, 'lost', 'it answers 502'],
    [409, {}, json, {}, 'busy', 'The camera is busy.'],
    [503, {}, json.replace('busy', 'missing'), {}, 'missing', 'The camera is busy.'],
  ])('%i %j %s %j is understood', (status, headers, text, given, code, sentence) => {
    const error = refusalOf(status, headers, text, url, given);
    expect(error).toMatchObject({ code, message: expect.stringContaining(sentence), remedy: expect.any(String) });
  });
});
