/** The program of docs/raw-appliance.md runs as it stands there, from a folder of its own that has the package installed. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inPackage } from '../house/node-red.ts';
import { environment, framesIn, password, SecuredAppliance, user } from './secured-appliance.ts';

const appliance = new SecuredAppliance();
beforeAll(() => appliance.open(), 240_000);
afterAll(() => appliance.close());

it('the example of the documentation works', { timeout: 180_000 }, async () => {
  const [, example] = /```js\n(.*?)```/s.exec(readFileSync(inPackage('docs/raw-appliance.md'), 'utf8')) ?? [];
  expect(example).toContain("url: 'https://pi:1880/appliance'");
  const folder = appliance.folder();
  mkdirSync(join(folder, 'node_modules', '@nightflow'), { recursive: true });
  symlinkSync(inPackage(), join(folder, 'node_modules', '@nightflow', 'node-red'));
  writeFileSync(join(folder, 'cert.pem'), appliance.certificate);
  const here = example!.replace('https://pi:1880', appliance.origin).replace("user: 'nightflow'", `user: '${user}'`);
  writeFileSync(join(folder, 'example.mjs'), here);
  const options = { cwd: folder, env: environment(password) };
  const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], options);
  expect(stdout.trim().split('\n').at(-1)).toBe('done 3');
  const names = framesIn(join(folder, 'frames'));
  expect(names).toHaveLength(3);
  for (const name of names) expect(stdout).toContain(name);
  expect(readdirSync(folder).filter((name) => /^shot_.*\.fits$/.test(name))).toHaveLength(1);
});
