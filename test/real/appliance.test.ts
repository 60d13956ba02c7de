/** The appliance over HTTPS behind the project's password: control, bytes, and who is kept out. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplianceClient } from '../../lib/field/appliance/client.ts';
import { type Asked, password, SecuredAppliance, user } from './secured-appliance.ts';

const appliance = new SecuredAppliance();
const patience = { timeout: 90_000 };

beforeAll(() => appliance.open(), 240_000);
afterAll(() => appliance.close());

describe('HTTPS and the password of npm run password', { timeout: 180_000 }, () => {
  it('keep everybody else out, everywhere, and say what is asked for', async () => {
    const calls: [string, Asked][] = [
      ['/status', {}],
      ['/openrpc.json', {}],
      ['/preview.jpg', {}],
      ['/batches/x/frames/1', { method: 'DELETE' }],
      ['/rpc', { body: { jsonrpc: '2.0', id: 1, method: 'abort' } }],
      ['/shot', { body: { exposureSeconds: 1 } }],
    ];
    for (const [path, asked] of calls) {
      const without = await appliance.ask(path, { ...asked, login: null });
      expect([without.status, String(without.bytes)], path).toEqual([401, 'Password, please.']);
      expect(without.headers['www-authenticate']).toContain('Basic');
    }
    expect((await appliance.ask('/status', { login: 'observer:guess' })).status).toBe(401);
    expect((await appliance.ask('/status', { login: null, headers: { Authorization: 'Bearer guess' } })).status).toBe(
      401,
    );
  });

  it('let the user control the cameras by JSON-RPC, described by OpenRPC and OpenAPI', async () => {
    expect((await appliance.rpc('cameras')).result[0]).toMatchObject({ camera: 'Simulated camera', problem: null });
    expect((await appliance.rpc('settings.set', { name: 'gain', value: 6 })).result).toBe(6);
    expect((await appliance.rpc('settings.get', ['gain'])).result).toBe(6);
    expect((await appliance.rpc('rpc.discover')).result.methods.map(({ name }: { name: string }) => name)).toContain(
      'batch',
    );
    expect((await appliance.ask('/openrpc.json')).json().openrpc).toMatch(/^1\./);
    expect((await appliance.ask('/openapi.json')).json().components.securitySchemes.basic.scheme).toBe('basic');
  });

  it('carry a shot from memory, its parts and its picture', async () => {
    const shot = await appliance.ask('/shot', { body: { exposureSeconds: 0.2 } });
    const sum = createHash('sha256').update(shot.bytes).digest('hex');
    expect([shot.status, shot.headers.etag]).toEqual([200, `"${sum}"`]);
    const part = await appliance.ask('/shot', { headers: { Range: 'bytes=-2880' } });
    expect([part.status, part.bytes.equals(shot.bytes.subarray(-2880))]).toEqual([206, true]);
    expect((await appliance.ask('/shot', { headers: { 'If-None-Match': `"${sum}"` } })).status).toBe(304);
    const picture = await appliance.ask('/preview.jpg?width=320');
    expect([picture.headers['content-type'], picture.bytes.readUInt16BE(0)]).toEqual(['image/jpeg', 0xffd8]);
    const { spool } = (await appliance.ask('/status')).json();
    expect(spool).toMatchObject({ usedBytes: 0, frames: 0 });
  });

  it('refuse a page elsewhere in the browser that knows the password', async () => {
    const body = { exposureSeconds: 0.2 };
    const foreign = await appliance.ask('/shot', { body, headers: { Origin: 'https://evil.example' } });
    expect([foreign.status, foreign.json().error.message]).toEqual([403, expect.stringContaining('other addresses')]);
    expect((await appliance.ask('/shot', { method: 'POST', headers: { 'Content-Type': 'text/plain' } })).status).toBe(
      415,
    );
    const preflight = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' };
    const allowed = await appliance.ask('/shot', { method: 'OPTIONS', login: null, headers: preflight });
    expect(allowed.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('free the camera when the one who asked for a shot goes away', async () => {
    const leaving = new AbortController();
    const client = new ApplianceClient({
      url: `${appliance.origin}/appliance`,
      user,
      password,
      ca: appliance.certificate,
    });
    const long = client.shot({ exposureSeconds: 60 }, undefined, leaving.signal).catch(({ code }) => code);
    const busy = async () => (await appliance.ask('/status')).json().cameras[0].busy;
    await expect.poll(busy, patience).toBe('a shot');
    leaving.abort();
    expect(await long).toBe('aborted');
    await expect.poll(busy, patience).toBeNull();
  });
});
