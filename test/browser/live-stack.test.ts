/**
 * The page "Live stack" on a phone, as it comes out of Import, with the simulated camera: the picture that grows, darks, stop and save, and the
 * kept lights integrated in one go. Set NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debayerFrame } from '../../lib/frame/debayer.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { buildPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { deploy } from './editor.ts';
import { openPhone, screenshot } from './pages.ts';

const userDir = temporaryFolder();
let running: Running;
let browser: Browser;
let page: Page;
let complaints: string[];

const shot = (name: string, fullPage = false) => screenshot(page, name, fullPage);
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const state = () => page.locator('.nf-state').textContent();
const text = () => page.locator('.nf-live .nf-small').first().textContent();
const figure = (at: number) => page.locator('.nf-live .nf-figures b').nth(at).textContent();
const frames = async () => Number(await figure(0));
const pictures = () => page.locator('.nf-picture img').count();
const files = (pattern: RegExp) =>
  readdirSync(join(userDir, 'archive'), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(userDir, 'archive', name));
const soon = { timeout: 30_000 };

beforeAll(async () => {
  buildPackage();
  running = await startOurs(userDir);
  browser = await openBrowser();
  await importExample('live-stack');
  ({ page, complaints } = await openPhone(browser, `${running.url}/dashboard/live-stack`));
  await page.locator('.nf-state').waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  await closeSharedPool();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the page Live stack', () => {
  it('waits for a button, then shows a picture that grows, without a dark as long as there is none', async () => {
    expect(await state()).toBe('Ready');
    expect(await pictures()).toBe(0);
    await press('Start');
    await expect.poll(state, soon).toBe('Imaging');
    await expect.poll(frames, soon).toBeGreaterThan(1);
    expect(await figure(4)).toMatch(/^\d{3,}$/);
    expect(await page.locator('.nf-why').textContent()).toBe('Without a dark: There is no master yet.');
    await page.locator('.nf-picture img').nth(1).waitFor();
  }, 60_000);

  it('fits the width of the phone, with buttons for fingers', async () => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    for (const button of await page.locator('.nf-buttons button').all())
      expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(48);
  });

  it('begins anew on Reset, at the second press', async () => {
    const before = await frames();
    await press('Reset');
    expect(await frames()).toBeGreaterThanOrEqual(before);
    await press('Really reset?');
    await expect.poll(frames, soon).toBeLessThan(before);
  }, 60_000);

  it('pauses, goes on, stops and saves', async () => {
    await press('Pause');
    await expect.poll(state, soon).toBe('Paused');
    await press('Resume');
    await expect.poll(state, soon).toBe('Imaging');
    await press('Stop & save');
    await press('Really stop?');
    await expect.poll(state, soon).toBe('Ready');
    await expect.poll(() => page.locator('.nf-liveSettings a').count(), soon).toBe(2);
    expect(files(/live_[^/]*\.(fits|jpg)$/)).toHaveLength(2);
  }, 60_000);

  it('takes darks and builds the master that the next lights are calibrated with', async () => {
    await page.getByLabel('Darks').fill('6');
    await page.getByLabel('Darks').blur();
    await press('Take darks');
    await expect.poll(state, soon).toBe('Taking darks');
    await expect.poll(text, soon).toMatch(/^Master dark of 6 frames, \d+ hot pixels\.$/);
    expect(files(/masters\/master_dark_5s_gain1[^/]*\.fits$/)).toHaveLength(1);
    await press('Start');
    await expect.poll(() => figure(5), soon).toBe('yes');
    await expect.poll(frames, soon).toBeGreaterThan(5);
    await shot('live-stack', true);
  }, 90_000);

  it('is red at night, pictures too', async () => {
    await press('Red night mode');
    expect(await page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(true);
    await shot('live-stack-red');
    await page.locator('.nf-picture a').first().click();
    await page.locator('.nf-viewer img').waitFor();
    await press('Close');
    await press('Red night mode');
  }, 60_000);

  it('goes deeper than a single frame, with stars as sharp', async () => {
    await press('Stop & save');
    await press('Really stop?');
    await expect.poll(() => files(/live_[^/]*\.fits$/).length, soon).toBe(2);
    const [stack, light] = [files(/live_[^/]*\.fits$/).at(-1)!, files(/lights\/.*\.fits$/).at(-1)!];
    const stacked = await readFrame(stack);
    expect(stacked.combined).toBeGreaterThan(5);
    expect(String(stacked.keyword('CALSTAT'))).toContain('D');
    // In colour, as it is laid on the stack: a mosaic alone has sharper stars.
    const single = await measureStars(await debayerFrame(await readFrame(light)));
    const deep = await measureStars(stacked);
    expect(deep.count).toBeGreaterThan(1.3 * single.count);
    expect(deep.noise).toBeLessThan(0.6 * single.noise);
    expect(Math.abs(deep.fwhm! / single.fwhm! - 1)).toBeLessThan(0.12);
  }, 60_000);

  it('integrates the kept lights in one go at the press of an Inject button', async () => {
    const flow = (await (await fetch(`${running.url}/flows`)).json()) as { id: string; name?: string }[];
    const button = flow.find(({ name }) => name === 'With the dark')!;
    await fetch(`${running.url}/inject/${button.id}`, { method: 'POST' });
    await expect.poll(() => files(/integrated_[^/]*\.jpg$/).length, soon).toBe(1);
    const result = await readFrame(files(/integrated_[^/]*\.fits$/)[0]!);
    expect(result.combined).toBe(files(/lights\/.*\.fits$/).length);
  }, 60_000);

  it('had nothing to complain about, and asked nobody outside', () => {
    expect(complaints).toEqual([]);
  });
});

/** As a hand does it: Import, Examples, the flow, Import, Deploy. */
async function importExample(name: string): Promise<void> {
  const editor = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await editor.goto(running.url);
  await editor.locator('.red-ui-palette-node[data-palette-type="astro-stack"]').waitFor();
  await editor.keyboard.press('Control+i');
  const dialog = editor.locator('#red-ui-clipboard-dialog');
  await dialog.locator('.red-ui-clipboard-dialog-tabs').getByText('Examples').click();
  await dialog.getByText('@nightflow/node-red').click();
  await dialog.getByText(name, { exact: true }).click();
  await editor.locator('#red-ui-clipboard-dialog-ok').click();
  await editor.locator('.red-ui-tab-label', { hasText: 'Live stack' }).click();
  await editor.locator('.red-ui-flow-node').first().waitFor();
  await screenshot(editor, `${name}-editor`);
  await deploy(editor);
  await editor.close();
}
