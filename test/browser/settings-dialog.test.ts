/**
 * The dialogs of astro-camera-settings and of a camera's profiles in the editor: names, ranges and choices come from the deployed camera.
 * Set NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw, in light and dark.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { closeDialog, openDialog } from './editor.ts';
import { openEditor, screenshotThemes } from './pages.ts';

const soon = { timeout: 30_000 };
const userDir = temporaryFolder();
const camera = '0d0d0d0d0d0d0d01';
const settings = '0d0d0d0d0d0d0d02';
const night = { name: 'night', settings: [{ name: 'gain', value: '16' }] };
const flow = [
  { id: 'f3f3f3f3f3f3f3f3', type: 'tab', label: 'Settings' },
  {
    id: camera,
    type: 'astro-camera',
    name: 'Roof',
    backend: 'simulator',
    sensor: 'demo',
    gain: '4',
    profiles: [night],
  },
  {
    ...{ id: settings, type: 'astro-camera-settings', z: 'f3f3f3f3f3f3f3f3', x: 240, y: 80, camera, command: 'set' },
    settings: [
      { name: 'gain', value: 'payload', valueType: 'msg' },
      { name: 'lens', value: 'stereographic', valueType: 'choice' },
    ],
    wires: [[]],
  },
];

let running: Running;
let browser: Browser;
let page: Page;
let complaints: string[];

const shot = (name: string) => screenshotThemes(page, name);
/** What the editor would deploy. */
const stored = (id: string, name: string) =>
  page.evaluate(
    // biome-ignore lint/suspicious/noExplicitAny: the editor's global
    ([node, property]) => (window as any).RED.nodes.node(node)[property!],
    [id, name] as const,
  );
const rows = (inside: Locator) => inside.locator('.nightflow-setting');
const name = async (row: Locator, text: string) => {
  await row.locator('[data-field="name"]').fill(text);
  await row.locator('[data-field="name"]').blur();
};

beforeAll(async () => {
  buildPackage();
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flow));
  running = await startOurs(userDir);
  browser = await openBrowser();
  ({ page, complaints } = await openEditor(browser, running.url, settings));
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the dialog of the settings', () => {
  const box = () => page.locator('#astro-camera-settings-rows');

  it('keeps its rows, and offers what the live camera can be set to', async () => {
    await openDialog(page, settings);
    await expect
      .poll(() => page.locator('#astro-camera-settings-answer').textContent(), soon)
      .toMatch(/The camera answers: \d+ settings/);
    const list = await rows(box()).first().locator('[data-field="name"]').getAttribute('list');
    const offered = await page
      .locator(`#${list} option`)
      .evaluateAll((all) => all.map((each) => (each as HTMLOptionElement).value));
    expect(offered).toEqual(expect.arrayContaining(['gain', 'lens', 'milkyWay']));
    await expect.poll(() => rows(box()).first().textContent(), soon).toContain('1 … ');
    await box().getByRole('button', { name: 'setting' }).click();
    await name(rows(box()).nth(2), 'milkyWay');
    await shot('astro-camera-settings');
    await closeDialog(page);
    expect(await stored(settings, 'settings')).toEqual([
      { name: 'gain', value: 'payload', valueType: 'msg' },
      { name: 'lens', value: 'stereographic', valueType: 'choice' },
      // What the camera has now.
      { name: 'milkyWay', value: 'true', valueType: 'bool' },
    ]);
  }, 90_000);

  it('offers the profiles of the camera', async () => {
    await openDialog(page, settings);
    await page.locator('#node-input-command').selectOption('profile');
    expect(await box().isVisible()).toBe(false);
    const offered = page.locator('#astro-camera-settings-profiles option');
    expect(await offered.evaluateAll((all) => all.map((each) => (each as HTMLOptionElement).value))).toEqual(['night']);
    await page.locator('#node-input-profile').fill('night');
    await shot('astro-camera-settings-profile');
    await closeDialog(page);
    expect(await stored(settings, 'profile')).toBe('night');
  }, 60_000);
});

it('the dialog of a camera has its profiles, and takes one over from the live camera', async () => {
  await page.evaluate((id) => {
    // biome-ignore lint/suspicious/noExplicitAny: the editor's global
    (window as any).RED.editor.editConfig('', 'astro-camera', id);
  }, camera);
  const profiles = page.locator('#astro-camera-profiles');
  await profiles.waitFor();
  await expect.poll(() => rows(profiles).first().textContent(), soon).toContain('1 … ');
  await page.locator('.red-ui-editableList:has(#astro-camera-profiles) > .red-ui-editableList-addButton').click();
  const added = profiles.locator('> li').nth(1);
  await added.locator('> div > div > [data-field="name"]').fill('burst');
  await added.getByRole('button', { name: 'As the camera is now' }).click();
  await expect.poll(() => rows(added).count(), soon).toBeGreaterThan(10);
  const all = await rows(added).count();
  await rows(added).first().getByRole('button', { name: 'Remove' }).click();
  await profiles.scrollIntoViewIfNeeded();
  await shot('astro-camera-profiles');
  await page.locator('#node-config-dialog-ok').click();
  await page.locator('#node-config-dialog-ok').waitFor({ state: 'detached' });
  const kept = (await stored(camera, 'profiles')) as (typeof night)[];
  expect(kept[0]).toEqual(night);
  expect(kept[1]!.name).toBe('burst');
  expect(kept[1]!.settings).toHaveLength(all - 1);
  expect(kept[1]!.settings).toContainEqual({ name: 'lens', value: 'fisheye' });
  expect(complaints).toEqual([]);
}, 90_000);
