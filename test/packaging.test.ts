/** What a user gets who installs the package into the Node-RED they have: the packed tarball, their settings, Node-RED 5 and 4.1. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, inPackage, type Running, startPlain, temporaryFolder } from './house/node-red.ts';

const manifest = JSON.parse(readFileSync(inPackage('package.json'), 'utf8'));
const flows = readdirSync(inPackage('flows')).filter((file) => file.endsWith('.json'));
const packed = temporaryFolder();
let tarball: string;
let files: string[];

beforeAll(() => {
  buildPackage();
  const options = ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', packed];
  const answer = JSON.parse(
    execFileSync('npm', options, { cwd: inPackage(), encoding: 'utf8', shell: process.platform === 'win32' }),
  );
  const [pack] = Object.values(answer) as { filename: string; files: { path: string }[] }[];
  tarball = join(packed, pack!.filename);
  files = pack!.files.map((file) => file.path);
});
afterAll(() => rmSync(packed, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds the nodes, the kernels, the catalogue, the examples and the licences', () => {
    for (const file of Object.values<string>(manifest['node-red'].nodes)) {
      expect(files).toContain(file);
      expect(files).toContain(file.replace(/\.js$/, '.html'));
    }
    const more = [
      'dist/wasm/kernels.wasm',
      'data/stars.bin',
      'data/deep.bin',
      'LICENSE',
      'THIRD-PARTY-NOTICES.md',
      'README.md',
      'CHANGELOG.md',
    ];
    expect(files).toEqual(expect.arrayContaining(more));
    for (const flow of flows) expect(files).toContain(`examples/${flow}`);
  });
  it('holds no source, no test and no secret, and stays small', () => {
    expect(
      files.filter((file) => /\.ts$|^(test|bench|scripts|lib|\.nightflow)\/|stamp$|^settings\.js$/.test(file)),
    ).toEqual([]);
    expect(statSync(tarball).size).toBeLessThan(14e6);
  });
});

/** As `npm install` in the user directory would lay it: the package unpacked, its dependencies beside it. */
function installInto(userDir: string): void {
  const modules = join(userDir, 'node_modules');
  const folder = join(modules, manifest.name);
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(inPackage('node_modules', name), join(modules, name), 'junction');
  }
}

describe.each(['node-red', 'node-red-4'] as const)('installed into a plain %s', (version) => {
  let running: Running | undefined;
  let userDir: string;

  afterEach(async () => {
    await running?.stop();
    running = undefined;
    rmSync(userDir, { recursive: true, force: true, maxRetries: 5 });
  });

  it.each(flows)('runs the flow %s from the examples', { timeout: 180_000 }, async (flow) => {
    userDir = temporaryFolder();
    installInto(userDir);
    const example = readFileSync(join(userDir, 'node_modules', manifest.name, 'examples', flow), 'utf8');
    const nodes = pressed(flow, JSON.parse(example));
    writeFileSync(join(userDir, 'flows.json'), JSON.stringify(nodes));
    if (nodes.some((node) => node.type === 'astro-load')) await layPictures(join(userDir, 'archive', 'pictures'));
    running = await startPlain(version, userDir);
    await running.printed(/Started flows/);
    expect(running.output()).not.toMatch(/missing types|Waiting for missing/i);
    const done = await watchDone(running.url, nodes);
    for (const { id } of nodes.filter((node) => node.type === 'inject'))
      expect((await fetch(`${running.url}/inject/${id}`, { method: 'POST' })).status).toBe(200);
    await expect.poll(() => done.nodes.size, { timeout: 120_000, interval: 200 }).toBeGreaterThan(0);
    if (savesByItself.has(flow))
      await expect.poll(() => pictures(userDir).length, { timeout: 120_000, interval: 500 }).toBeGreaterThan(0);
    done.end();
    expect(running.output()).not.toMatch(/\[error\]/);
  });
});

interface FlowNode {
  id: string;
  type: string;
  name?: string;
  [property: string]: unknown;
}

/** What a press on the page sends to the conductor of a flow that does nothing by itself. */
const presses: Record<string, string> = {
  'focus.json': 'loop',
  'live-stack.json': 'start',
  'occultation-night.json': 'check',
};

/** The flow with one more inject node in the place of the page's button. */
function pressed(flow: string, nodes: FlowNode[]): FlowNode[] {
  const command = presses[flow];
  if (!command) return nodes;
  const conductor = nodes.find(({ type, name }) => type === 'function' && name === 'Conductor')!;
  const props = [
    { p: 'topic', vt: 'str' },
    { p: 'command', v: command, vt: 'str' },
  ];
  const button = { props, topic: 'command', x: 0, y: 0, z: conductor.z, wires: [[conductor.id]] };
  return [...nodes, { id: 'f00d', type: 'inject', name: 'The button of the page', ...button }];
}

/** Flows that lay pictures on the disk without a press on their page. */
const savesByItself = new Set(['pictures.json', 'star-trails.json']);

/** Which of our nodes say in the editor that they have done something: a green status. */
async function watchDone(url: string, nodes: FlowNode[]) {
  const ours = new Set(nodes.filter(({ type }) => type.startsWith('astro-')).map(({ id }) => `status/${id}`));
  const done = new Set<string>();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/comms`);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('The editor has no socket.'));
  });
  socket.onmessage = ({ data }) => {
    for (const { topic, data: status } of [JSON.parse(data)].flat())
      if (ours.has(topic) && status.fill === 'green') done.add(topic);
  };
  socket.send(JSON.stringify({ subscribe: 'status/#' }));
  return { nodes: done, end: () => socket.close() };
}

/** What a user has on disk: two small photographs. */
async function layPictures(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, red] of [['one', 20] as const, ['two', 90] as const])
    await sharp({ create: { width: 96, height: 64, channels: 3, background: { r: red, g: 30, b: 60 } } })
      .jpeg()
      .toFile(join(folder, `${name}.jpg`));
}

/** The pictures that the flow made below the user directory; not those of the package, nor what a node keeps to go on after a crash. */
const pictures = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !/node_modules|\.nightflow|archive.pictures/.test(path) && /\.(fits|jpe?g|png|tiff?)$/.test(path),
  );
