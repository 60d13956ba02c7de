import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, inPackage, type Running, startPlain, temporaryFolder } from '../house/node-red.ts';

const manifest = JSON.parse(readFileSync(inPackage('package.json'), 'utf8'));
const types = Object.keys(manifest['node-red'].nodes).sort();

interface NodeSet {
  module: string;
  name: string;
  types: string[];
  enabled: boolean;
  version: string;
  err?: string;
}

beforeAll(buildPackage);

describe.each(['node-red', 'node-red-4'] as const)('the palette in %s', (version) => {
  const userDir = temporaryFolder();
  let running: Running;
  let html: string;

  beforeAll(async () => {
    mkdirSync(join(userDir, 'node_modules', '@nightflow'), { recursive: true });
    symlinkSync(inPackage(), join(userDir, 'node_modules', '@nightflow', 'node-red'), 'junction');
    running = await startPlain(version, userDir);
    html = await get('/nodes', 'text/html');
  });
  afterAll(async () => {
    await running?.stop();
    rmSync(userDir, { recursive: true, force: true });
  });

  async function get(path: string, accept = 'application/json'): Promise<string> {
    const answer = await fetch(running.url + path, { headers: { accept } });
    expect(answer.status, path).toBe(200);
    return answer.text();
  }

  it('lists every node, enabled and without an error', async () => {
    const sets = (JSON.parse(await get('/nodes')) as NodeSet[]).filter((set) => set.module === manifest.name);
    expect(sets.map((set) => set.err).filter(Boolean)).toEqual([]);
    expect(sets.flatMap((set) => set.types).sort()).toEqual(types);
    expect(sets.every((set) => set.enabled && set.version === manifest.version)).toBe(true);
  });

  it.each(types)('has the editor part of %s, with its help', async (type) => {
    expect(html).toMatch(new RegExp(`registerType\\(\\s*['"]${type}['"]`));
    expect(html).toMatch(new RegExp(`data-template-name=['"]${type}['"]`));
    expect(html).toMatch(new RegExp(`data-help-name=['"]${type}['"]`));
  });

  it.each(types)('has the words of %s', async (type) => {
    const words = JSON.parse(await get(`/locales/${manifest.name}/${type}?lng=en-US`));
    expect(Object.keys(words)).toContain(type);
  });

  it('serves every icon that a node names', async () => {
    const icons = (JSON.parse(await get('/icons')) as Record<string, string[]>)[manifest.name];
    expect(icons?.toSorted()).toEqual(
      readdirSync(inPackage('icons'))
        .filter((file) => file.endsWith('.svg'))
        .sort(),
    );
    const inPalette = types.filter((type) => !manifest['node-red'].nodes[type].includes('/config/'));
    const named = [...html.matchAll(/icon:\s*['"](astro-[\w-]+\.svg)['"]/g)].map(([, icon]) => icon!);
    expect(named).toEqual(expect.arrayContaining(inPalette.map((type) => `${type}.svg`)));
    for (const icon of named) expect(icons).toContain(icon);
  });

  it('offers our flows under Import, Examples', async () => {
    const flows = readdirSync(inPackage('flows')).filter((file) => file.endsWith('.json'));
    expect(flows.length).toBeGreaterThan(0);
    const examples = JSON.parse(await get('/library/examples/flows'));
    expect(JSON.stringify(examples)).toContain(manifest.name);
    for (const flow of flows) {
      const name = flow.replace('.json', '');
      const text = await get(`/library/examples/flows/${manifest.name}/${name}`);
      expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(inPackage('flows', flow), 'utf8')));
    }
  });
});
