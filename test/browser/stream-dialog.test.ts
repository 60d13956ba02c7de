/**
 * `astro-stream` in a real Node-RED, as its package has it: the dialog, and a film of the simulated sky recorded from the button of an Inject.
 * Set NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw, in light and dark.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSerFilm } from '../../lib/frame/ser.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { buildPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { closeDialog, openDialog } from './editor.ts';
import { openEditor, screenshotThemes } from './pages.ts';

const userDir = temporaryFolder();
const tab = 'a1a1a1a1a1a1a1a1';
const ids = {
  site: '0b0b0b0b0b0b0b01',
  camera: '0b0b0b0b0b0b0b02',
  stream: '0b0b0b0b0b0b0b03',
  inject: '0b0b0b0b0b0b0b04',
};
const rehearsal = { clock: 'rehearsal', clockStart: '2026-11-21T21:14:05Z', clockRate: 'max' };
const flow = [
  { id: tab, type: 'tab', label: 'Film' },
  { id: ids.site, type: 'astro-site', latitude: '51', longitude: '7', elevation: '100', ...rehearsal },
  { id: ids.camera, type: 'astro-camera', name: 'Roof', backend: 'simulator', sensor: 'imx290', site: ids.site },
  {
    ...{ id: ids.stream, type: 'astro-stream', z: tab, x: 420, y: 100, camera: ids.camera, name: '' },
    ...{ exposureSeconds: '0.1', exposureSecondsType: 'num', durationSeconds: '1', durationSecondsType: 'num' },
    wires: [[], []],
  },
  {
    ...{ id: ids.inject, type: 'inject', z: tab, x: 180, y: 100, name: 'At 21:20' },
    props: [{ p: 'start', v: '2026-11-21T21:20:00Z', vt: 'str' }],
    wires: [[ids.stream]],
  },
];

let running: Running;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  buildPackage();
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flow));
  running = await startOurs(userDir);
  browser = await openBrowser();
  ({ page, complaints } = await openEditor(browser, running.url, ids.stream));
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await running?.stop();
  await closeSharedPool();
  rmSync(userDir, { recursive: true, force: true });
});

it('fills in what an older flow leaves out, and says what is wrong', async () => {
  await openDialog(page, ids.stream);
  expect(await page.locator('#node-input-template').inputValue()).toBe(
    'recordings/{night}/{target|film}_{date}_{time}',
  );
  expect(await page.locator('#node-input-recordBy').inputValue()).toBe('auto');
  expect(await page.locator('#node-input-clockLimitSeconds').inputValue()).toBe('0.1');
  await screenshotThemes(page, 'astro-stream');
  await page.locator('#node-input-lateSeconds').fill('-1');
  await page.locator('#node-input-lateSeconds').blur();
  await expect.poll(() => page.locator('#node-input-lateSeconds.input-error').count()).toBe(1);
  await page.locator('#node-input-lateSeconds').fill('2');
  await closeDialog(page);
  expect(complaints).toEqual([]);
}, 60_000);

it('records from the button of an Inject, and the status says so', async () => {
  await page.locator(`.red-ui-flow-node-group[id="${ids.inject}"] .red-ui-flow-node-button-button`).click();
  const status = page.locator(`.red-ui-flow-node-group[id="${ids.stream}"] .red-ui-flow-node-status-label`);
  await expect.poll(() => status.textContent(), { timeout: 60_000 }).toMatch(/^1[01] frames · rehearsal$/);
  const film = await readSerFilm(join(userDir, 'archive/recordings/2026-11-21/film_2026-11-21_212000.ser'));
  expect(film).toMatchObject({ width: 1920, height: 1080 });
  expect(film.times).toHaveLength(film.whole);
}, 90_000);
