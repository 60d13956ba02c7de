/** What every flow that we ship must be: importable as it is, explained, and without anything of its author's machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flowTexts } from '../scripts/build-flows.js';
import { inPackage } from './house/node-red.ts';

interface FlowNode {
  id: string;
  type: string;
  z?: string;
  wires?: string[][];
  [property: string]: unknown;
}

const manifest = JSON.parse(readFileSync(inPackage('package.json'), 'utf8'));
const ours = Object.keys(manifest['node-red'].nodes);
/** The types of Node-RED's own nodes, from the files they are in. */
const core = new Set(
  readdirSync(inPackage('node_modules/@node-red/nodes/core'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => {
      const source = readFileSync(inPackage('node_modules/@node-red/nodes/core', file), 'utf8');
      return [...source.matchAll(/registerType\(\s*["']([\w -]+)["']/g)].map(([, type]) => type!);
    }),
)
  .add('tab')
  .add('group');
const flows = readdirSync(inPackage('flows'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => ({ file, nodes: JSON.parse(readFileSync(inPackage('flows', file), 'utf8')) as FlowNode[] }));

describe.each(flows)('flows/$file', ({ nodes }) => {
  const ids = new Set(nodes.map((node) => node.id));

  it('has ids that collide with nothing: 16 hexadecimal digits, each once', () => {
    expect(nodes.filter((node) => !/^[0-9a-f]{16}$/.test(node.id))).toEqual([]);
    expect(ids.size).toBe(nodes.length);
  });

  it('leads every wire to a node, and puts every node on a tab or group of the file', () => {
    const lost = nodes.flatMap((node) => (node.wires ?? []).flat().filter((target) => !ids.has(target)));
    expect(lost).toEqual([]);
    expect(nodes.filter((node) => node.z !== undefined && !ids.has(node.z))).toEqual([]);
  });

  it('uses core nodes, Dashboard 2 and ours only', () => {
    const foreign = nodes
      .map(({ type }) => type)
      .filter((type) => !core.has(type) && !type.startsWith('ui-') && !ours.includes(type));
    expect([...new Set(foreign)]).toEqual([]);
  });

  it('explains itself in comment nodes', () => {
    expect(nodes.filter((node) => node.type === 'comment').length).toBeGreaterThan(0);
  });

  it('stores no credentials', () => {
    expect(nodes.filter((node) => node.credentials !== undefined)).toEqual([]);
  });
});

it('is what its source in scripts/flows makes; after a change run node scripts/build-flows.js', () => {
  const texts: Record<string, string> = flowTexts();
  expect(Object.keys(texts).sort()).toEqual(flows.map(({ file }) => file).sort());
  for (const [file, text] of Object.entries(texts))
    expect(readFileSync(inPackage('flows', file), 'utf8') === text, file).toBe(true);
});

it('has an example of every node', () => {
  const shown = new Set(flows.flatMap(({ nodes }) => nodes.map(({ type }) => type)));
  expect(ours.filter((type) => !shown.has(type))).toEqual([]);
});

it('shows a picture that was not solved without the names of the one before, which the page would keep', () => {
  const { nodes } = flows.find(({ file }) => file === 'solve.json')!;
  const preview = nodes.find(({ type }) => type === 'astro-preview')!;
  const next = nodes.filter(({ id }) => preview.wires!.flat().includes(id));
  for (const { rules } of next)
    expect(rules).toContainEqual({ t: 'set', p: 'annotation', pt: 'msg', to: 'null', tot: 'json' });
});
