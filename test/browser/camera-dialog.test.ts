/**
 * The dialog of astro-camera in the editor, with the stand-ins of rpicam-apps and gphoto2 on the PATH: its lists fill from the programs. Set
 * NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw, in light and dark.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gphoto2StandIn, makeGphoto2StandIn } from '../camera/stand-in/gphoto2-bin.ts';
import { makeRpicamStandIn, type RpicamStandIn } from '../camera/stand-in/rpicam-bin.ts';
import { imx477 } from '../camera/stand-in/rpicam-texts.ts';
import { buildPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { openEditor, screenshotThemes } from './pages.ts';

const soon = { timeout: 30_000 };
const userDir = temporaryFolder();
const camera = '0c0c0c0c0c0c0c01';
const capture = '0c0c0c0c0c0c0c02';
const site = '0c0c0c0c0c0c0c03';
const flow = [
  { id: 'f2f2f2f2f2f2f2f2', type: 'tab', label: 'Cameras' },
  {
    id: site,
    type: 'astro-site',
    latitude: '0',
    longitude: '0',
    clock: 'rehearsal',
    clockStart: '2026-01-14T18:00:00Z',
  },
  { id: camera, type: 'astro-camera', name: 'Roof', backend: 'rpicam', site },
  { id: capture, type: 'astro-capture', z: 'f2f2f2f2f2f2f2f2', x: 240, y: 80, camera, wires: [[], []] },
];

let rpicam: RpicamStandIn;
let gphoto2: Gphoto2StandIn;
let running: Running;
let browser: Browser;
let page: Page;
let complaints: string[];

const shot = (name: string) => screenshotThemes(page, name);
const offered = (list: string) =>
  page.locator(`${list} option`).evaluateAll((all) => all.map((each) => (each as HTMLOptionElement).value));
const answer = (backend: string) => page.locator(`#astro-camera-${backend}-answer`).textContent();

beforeAll(async () => {
  buildPackage();
  rpicam = await makeRpicamStandIn();
  gphoto2 = await makeGphoto2StandIn();
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flow));
  const path = [rpicam.programFolder, dirname(gphoto2.program), process.env.PATH].join(delimiter);
  running = await startOurs(userDir, { PATH: path });
  browser = await openBrowser();
  ({ page, complaints } = await openEditor(browser, running.url, capture));
  await page.evaluate((id) => {
    // biome-ignore lint/suspicious/noExplicitAny: the editor's global
    (window as any).RED.editor.editConfig('', 'astro-camera', id);
  }, camera);
  await page.locator('#node-config-input-backend').waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  await rpicam?.remove();
  await gphoto2?.remove();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the dialog of a camera', () => {
  it('offers the cameras of a Raspberry Pi and their modes', async () => {
    await expect.poll(() => offered('#astro-camera-rpicam-cameras'), soon).toEqual([imx477.id]);
    await expect
      .poll(() => offered('#astro-camera-rpicam-modes'), soon)
      .toEqual(['1640x1232 10-bit', '2028x1520 10-bit', '4056x3040 12-bit']);
    expect(await answer('rpicam')).toContain('1');
    expect(await page.locator('#node-config-input-rpicamGain').isVisible()).toBe(true);
    expect(await page.locator('#node-config-input-sensor').isVisible()).toBe(false);
    await shot('astro-camera-rpicam');
  }, 60_000);

  it('offers bodies on USB and what they can be set to', async () => {
    await page.locator('#node-config-input-backend').selectOption('gphoto2');
    await expect.poll(() => offered('#astro-camera-gphoto2-cameras'), soon).toEqual(['Sony Alpha-A7 IV (Control)']);
    const settings = page.locator('#astro-camera-gphoto2-offered');
    await expect.poll(() => settings.textContent(), soon).toContain('iso = 100 | 200 | 400 | 800 | 1600 | 3200');
    expect(await settings.textContent()).toContain('manualfocus = -7 … 7');
    await shot('astro-camera-gphoto2');
  }, 60_000);

  it('says what is wrong, and how to mend it', async () => {
    await gphoto2.set({ claimed: true });
    await page.locator('#node-config-input-backend').selectOption('rpicam');
    await page.locator('#node-config-input-backend').selectOption('gphoto2');
    await expect.poll(() => answer('gphoto2'), soon).toContain('gvfs');
  }, 60_000);

  it('says what helps when no camera is there, and looks again', async () => {
    await gphoto2.set({ claimed: false, body: 'none' });
    const again = page.locator('[data-backend="gphoto2"] .astro-camera-again');
    await again.click();
    await expect.poll(() => answer('gphoto2'), soon).toContain('PC Remote');
    await gphoto2.set({ body: 'sony' });
    await again.click();
    await expect.poll(() => answer('gphoto2'), soon).toBe('Cameras found: 1');
  }, 60_000);

  it('asks the program that the box names', async () => {
    const program = page.locator('#node-config-input-gphoto2Program');
    await program.fill('/nowhere/gphoto2');
    await program.blur();
    await expect.poll(() => answer('gphoto2'), soon).toContain('/nowhere/gphoto2');
    await program.fill(gphoto2.program);
    await program.blur();
    await expect.poll(() => answer('gphoto2'), soon).toMatch(/^The camera answers: \d+ settings$/);
  }, 60_000);

  it('warns of a real camera by the clock of a rehearsal', async () => {
    const warning = page.locator('#astro-camera-rehearsal');
    expect(await warning.isVisible()).toBe(true);
    await page.locator('#node-config-input-backend').selectOption('simulator');
    expect(await warning.isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  }, 60_000);
});
