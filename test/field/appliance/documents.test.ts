/** OpenAPI and OpenRPC against what the appliance really does. */
import { expect, it } from 'vitest';
import { CountingCamera, exposure } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const patience = { timeout: 20_000 };
type Operation = { responses: Record<string, unknown>; parameters?: { name: string }[] };
type Path = Record<string, Operation> & { parameters?: { name: string; in: string; required?: boolean }[] };

async function documents() {
  const { appliance, base } = await serveAppliance(new CountingCamera());
  const get = async (path: string) => (await fetch(base + path)).json();
  return { appliance, base, openApi: await get('/openapi.json'), openRpc: await get('/openrpc.json') };
}

it('OpenAPI names each address with all that it takes, and nothing else', async () => {
  const { appliance, base, openApi } = await documents();
  const { id } = await appliance.start(1, exposure);
  await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
  await appliance.shot(exposure);
  const paths = Object.entries(openApi.paths as Record<string, Path>);
  for (const [path, item] of paths) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect((item.parameters ?? []).filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(names);
    const address = base + path.replace('{batch}', id).replace('{number}', '1');
    const methods = Object.keys(item).filter((name) => name !== 'parameters');
    for (const name of methods) expect(item[name]!.responses).toHaveProperty('default');
    const refused = await fetch(address, { method: 'PUT' });
    const allowed = [...methods.map((name) => name.toUpperCase()), ...(methods.includes('get') ? ['HEAD'] : [])];
    expect([path, refused.status, refused.headers.get('allow')?.split(', ').toSorted()]).toEqual([
      path,
      405,
      allowed.toSorted(),
    ]);
    if (!methods.includes('get')) continue;
    const answer = await fetch(address);
    expect([path, answer.status]).toEqual([path, 200]);
    await answer.arrayBuffer();
  }
  for (const [, ref] of JSON.stringify(openApi).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
    expect(openApi.components.schemas).toHaveProperty(ref!);
});

it('OpenRPC names each method with parameters that it takes in this order, those that must be first', async () => {
  const { base, openRpc } = await documents();
  const names = openRpc.methods.map(({ name }: { name: string }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, params, result } of openRpc.methods) {
    expect(result).toMatchObject({ name: 'result', schema: {} });
    const required = params.map((each: { required: boolean }) => each.required);
    expect(required).toEqual(required.toSorted((a: boolean, b: boolean) => Number(b) - Number(a)));
    // A value of the wrong kind at each place is refused under the name of that place.
    for (const [index, parameter] of params.entries()) {
      const given = Object.fromEntries(params.slice(0, index).map((each: Parameter) => [each.name, sample(each)]));
      const body = { jsonrpc: '2.0', id: 1, method: name, params: { ...given, [parameter.name]: [] } };
      const answer = await fetch(`${base}/rpc`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect((await answer.json()).error).toMatchObject({
        code: -32602,
        message: expect.stringContaining(`parameter ${parameter.name} `),
      });
    }
  }
});

interface Parameter {
  name: string;
  schema: { type: string; minimum?: number; enum?: string[] };
}
const sample = ({ schema }: Parameter) => schema.enum?.[0] ?? (schema.type === 'string' ? 'x' : (schema.minimum ?? 1));
