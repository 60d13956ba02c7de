/**
 * The page "Focus" on a phone, as it comes out of Import, with the simulated telescope: the loop, an autofocus that brings the stars into
 * focus, the way back of one that is stopped. Set NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw.
 */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, inPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { openPhone, screenshot } from './pages.ts';

const userDir = temporaryFolder();
let running: Running;
let browser: Browser;
let page: Page;
let complaints: string[];

const shot = (name: string, fullPage = false) => screenshot(page, name, fullPage);
const press = (name: string) => page.getByRole('button', { name }).click();
const state = () => page.locator('.nf-state').textContent();
const figure = async (at: number) => Number(await page.locator('.nf-figures b').nth(at).textContent());
const hfr = () => figure(0);
const position = () => figure(3);
const said = () => page.locator('.nf-curve p').textContent();

beforeAll(async () => {
  buildPackage();
  copyFileSync(inPackage('flows/focus.json'), join(userDir, 'flows.json'));
  running = await startOurs(userDir);
  browser = await openBrowser();
  ({ page, complaints } = await openPhone(browser, `${running.url}/dashboard/focus`));
  await page.locator('.nf-state').waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the page Focus', () => {
  it('waits for a button before it takes a frame', async () => {
    expect(await state()).toBe('Ready');
    expect(await page.locator('.nf-noStar').count()).toBe(3);
    expect(await page.locator('.nf-picture img').count()).toBe(0);
    expect(await said()).toBe('The curve of the next autofocus appears here.');
  });

  it('loops exposures: three stars in the loupe, HFR, tilt, chart, frame', async () => {
    await press('Loop exposures');
    await expect.poll(state, { timeout: 30_000 }).toBe('Looping');
    // Nine pixels out of focus: doughnuts.
    await expect.poll(hfr, { timeout: 60_000 }).toBeGreaterThan(2.5);
    await expect
      .poll(() =>
        page.locator('.nf-loupe img').evaluateAll((all) => all.map((each) => (each as HTMLImageElement).naturalWidth)),
      )
      .toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    const widths = await page
      .locator('.nf-loupe img')
      .evaluateAll((all) => all.map((each) => (each as HTMLImageElement).naturalWidth));
    expect(Math.min(...widths)).toBeGreaterThan(100);
    const cells = await page.locator('.nf-cells b').allTextContents();
    expect(cells).toHaveLength(9);
    expect(cells.filter((cell) => /^\d\.\d\d$/.test(cell)).length).toBeGreaterThan(4);
    await page.locator('.nrdb-ui-chart canvas').first().waitFor();
    await page.locator('.nf-picture img').waitFor();
    await shot('focus-loop', true);
  }, 120_000);

  it('fits the width of the phone, with buttons for fingers', async () => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    for (const button of await page.locator('.nf-buttons button').all())
      expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(48);
  });

  it('brings the stars into focus out of the running loop, draws the curve, and loops on', async () => {
    const before = await hfr();
    await press('Run autofocus');
    await expect.poll(state, { timeout: 30_000 }).toBe('Autofocus');
    await expect.poll(() => page.locator('.nf-curve circle').count(), { timeout: 60_000 }).toBeGreaterThan(2);
    await shot('focus-curve');
    await expect.poll(said, { timeout: 180_000 }).toMatch(/^Focused at \d+ ± \d+: HFR \d\.\d\d px\.$/);
    await expect.poll(state, { timeout: 30_000 }).toBe('Looping');
    expect(await page.locator('.nf-curve .nf-fit').count()).toBe(1);
    // The truth: the focuser begins at 25000, and 9 px at 50 steps a pixel lie between it and the focus.
    expect(Math.abs((await position()) - 24_550)).toBeLessThan(40);
    await expect
      .poll(() => page.locator('.nf-small').first().textContent(), { timeout: 60_000 })
      .toMatch(/^[2-9] frames$/);
    // The loupe and the tilt are of the loop's frames, in focus now.
    await expect.poll(() => page.locator('.nf-loupe b').first().textContent()).toMatch(/^[01]\.\d\d px$/);
    expect(await hfr()).toBeLessThan(before / 2);
    await shot('focus', true);
  }, 300_000);

  it('goes back to where it was when a run is aborted', async () => {
    const before = await position();
    await press('Run autofocus');
    await expect.poll(position, { timeout: 60_000 }).not.toBe(before);
    await press('Abort');
    await expect.poll(state, { timeout: 60_000 }).toBe('Ready');
    expect(await position()).toBe(before);
    expect(await said()).toBe('Stopped; the focuser is back where it was.');
  }, 180_000);

  it('keeps exposure and gain, and shows the same after a reload', async () => {
    await page.getByLabel('Exposure').fill('1.5');
    await press('Loop exposures');
    await expect
      .poll(() => page.locator('.nf-picture figcaption').textContent(), { timeout: 60_000 })
      .toMatch(/· 1\.5 s$/);
    await press('Stop looping');
    await expect.poll(state, { timeout: 30_000 }).toBe('Ready');
    const shown = await hfr();
    await page.reload();
    await page.locator('.nf-state').waitFor();
    await expect.poll(() => page.getByLabel('Exposure').inputValue()).toBe('1.5');
    expect(await hfr()).toBe(shown);
  }, 120_000);

  it('turns red at night, pictures too', async () => {
    await press('Red night mode');
    expect(await page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(true);
    await page.evaluate(() => window.scrollTo(0, 0));
    await shot('focus-red');
    await page.locator('.nf-picture a').click();
    await page.locator('.nf-viewer img').waitFor();
    await press('Close');
    await press('Red night mode');
    expect(await page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(false);
  }, 60_000);

  it('had nothing to complain about, and asked nobody outside', () => {
    expect(complaints).toEqual([]);
  });
});
