/**
 * The dialogs of the INDI nodes in the editor, over the simulated observatory: their lists fill from the live server. Set
 * NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw, in light and dark.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { closeDialog, openDialog } from './editor.ts';
import { openEditor, screenshotThemes } from './pages.ts';

const soon = { timeout: 30_000 };
const userDir = temporaryFolder();
const at = (id: string, y: number, more: Record<string, unknown>) => ({
  id,
  z: 'f1f1f1f1f1f1f1f1',
  x: 240,
  y,
  ...more,
});
const ids = {
  server: '0a0a0a0a0a0a0a01',
  property: '0a0a0a0a0a0a0a02',
  safe: '0a0a0a0a0a0a0a03',
  indi: '0a0a0a0a0a0a0a04',
};
const wires = [[], []];
const flow = [
  { id: 'f1f1f1f1f1f1f1f1', type: 'tab', label: 'INDI' },
  { id: ids.indi, type: 'astro-indi', name: 'Dome', mode: 'simulator', autoStart: true, port: 7624 },
  at(ids.server, 80, { type: 'astro-indi-server', indi: ids.indi, command: 'start', commandType: 'choice', wires }),
  at(ids.property, 160, {
    ...{ type: 'astro-indi-property', indi: ids.indi, command: 'watch', commandType: 'choice' },
    ...{ device: 'CCD Simulator', property: 'CCD_GAIN', element: 'GAIN', wires },
  }),
  at(ids.safe, 240, {
    ...{ type: 'astro-safe', indi: ids.indi, mode: 'gate', goodMinutes: 0, wires },
    rules: [
      { device: 'Weather Simulator', property: 'WEATHER_STATUS', element: '', test: 'ok', low: '', high: '' },
      {
        device: 'Weather Simulator',
        property: 'WEATHER_PARAMETERS',
        element: 'WEATHER_WIND_SPEED',
        test: 'range',
        high: 20,
      },
    ],
  }),
];

let running: Running;
let browser: Browser;
let page: Page;
let complaints: string[];

const shot = (name: string) => screenshotThemes(page, name);
const offered = (list: string) =>
  page.locator(`${list} option`).evaluateAll((all) => all.map((each) => (each as HTMLOptionElement).value));
const listOf = async (box: string) => `#${await page.locator(box).getAttribute('list')}`;

beforeAll(async () => {
  buildPackage();
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flow));
  running = await startOurs(userDir);
  browser = await openBrowser();
  ({ page, complaints } = await openEditor(browser, running.url, ids.safe));
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the dialog of', () => {
  it('the property node offers devices, properties and elements of the live server, and says what they are', async () => {
    await openDialog(page, ids.property);
    const devices = await listOf('#node-input-device');
    await expect.poll(() => offered(devices), soon).toContain('Dome Simulator');
    const properties = await listOf('#node-input-property');
    await expect.poll(() => offered(properties), soon).toContain('CCD_GAIN');
    const answer = page.locator('#astro-indi-property-answer');
    await expect.poll(() => answer.textContent(), soon).toContain('GAIN · 0 … 300');
    await shot('astro-indi-property');
    await page.locator('#node-input-device').fill('Dome Simulator');
    await page.locator('#node-input-device').blur();
    await expect.poll(() => offered(properties), soon).toContain('DOME_SHUTTER');
    await page.locator('#node-input-property').fill('DOME_SHUTTER');
    await page.locator('#node-input-property').blur();
    await expect
      .poll(async () => offered(await listOf('#node-input-element')), soon)
      .toEqual(['SHUTTER_OPEN', 'SHUTTER_CLOSE']);
    await closeDialog(page);
  }, 90_000);

  it('the gate shows its rules, with the limits of those that have any', async () => {
    await openDialog(page, ids.safe);
    const rows = page.locator('#astro-safe-rules .red-ui-editableList-item-content');
    expect(await rows.count()).toBe(2);
    expect(await rows.nth(0).locator('[data-field="high"]').isVisible()).toBe(false);
    expect(await rows.nth(1).locator('[data-field="high"]').inputValue()).toBe('20');
    await expect.poll(() => page.locator('#astro-safe-answer').textContent(), soon).not.toContain('The lists fill');
    await shot('astro-safe');
    await closeDialog(page);
  }, 60_000);

  it('the server node asks for a driver only where one is restarted', async () => {
    await openDialog(page, ids.server);
    expect(await page.locator('#astro-indi-server-driver').isVisible()).toBe(false);
    await page.evaluate(() => {
      // biome-ignore lint/suspicious/noExplicitAny: the editor's jQuery
      (window as any).$('#node-input-command').typedInput('value', 'restart-driver');
    });
    await expect.poll(() => page.locator('#astro-indi-server-driver').isVisible()).toBe(true);
    await shot('astro-indi-server');
    await closeDialog(page);
  }, 60_000);

  it('the server itself takes drivers and settings of devices, and keeps them', async () => {
    await openDialog(page, ids.server);
    await page
      .locator('#node-input-btn-indi-edit, #node-input-lookup-indi, .red-ui-button[aria-label*="dit"]')
      .first()
      .click();
    await page.locator('#node-config-input-mode').waitFor();
    await shot('astro-indi-simulator');
    await page.locator('#node-config-input-mode').selectOption('launch');
    await page.locator('.red-ui-editableList:has(#astro-indi-drivers) .red-ui-editableList-addButton').click();
    await page.locator('#astro-indi-drivers [data-field="executable"]').fill('indi_simulator_ccd');
    await page.locator('.red-ui-editableList:has(#astro-indi-devices) .red-ui-editableList-addButton').click();
    await page.locator('#astro-indi-devices [data-field="device"]').fill('CCD Simulator');
    await page.locator('#astro-indi-devices [data-field="settings"]').fill('CCD_GAIN.GAIN=90');
    await shot('astro-indi-launch');
    await page.locator('#node-config-dialog-ok').click();
    await page.locator('#node-config-dialog-ok').waitFor({ state: 'detached' });
    const stored = await page.evaluate((id) => {
      // biome-ignore lint/suspicious/noExplicitAny: the editor's global
      const { mode, drivers, devices } = (window as any).RED.nodes.node(id);
      return { mode, drivers, devices };
    }, ids.indi);
    expect(stored).toEqual({
      mode: 'launch',
      drivers: [{ executable: 'indi_simulator_ccd', label: '', config: '', prefix: '' }],
      devices: [{ device: 'CCD Simulator', loadConfiguration: false, settings: 'CCD_GAIN.GAIN=90' }],
    });
    await closeDialog(page);
  }, 60_000);
});

it('no page complains', () => {
  expect(complaints).toEqual([]);
});
