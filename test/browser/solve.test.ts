/** The page "Plate solving" on a phone, as it comes out of Import: a simulated picture, its place in the sky, and what is in it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, inPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';

const screenshots = process.env.NIGHTFLOW_SCREENSHOTS;
const userDir = temporaryFolder();
let running: Running;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  buildPackage();
  writeFileSync(join(userDir, 'flows.json'), readFileSync(inPackage('flows/solve.json')));
  running = await startOurs(userDir);
  browser = await openBrowser();
  page = await browser.newPage({
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${running.url}/dashboard/solve`);
  await page.locator('.nf-centre').waitFor({ timeout: 120_000 });
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the page Plate solving', () => {
  it('says where the picture looks', async () => {
    // The camera looks 62° up over the South Pole: declination −62° but for refraction and the pole's own 0.01°.
    const [ra, dec] = await page.locator('.nf-centre b').allTextContents();
    expect(ra).toMatch(/^\d\dh \d\dm \d\d\.\ds$/);
    expect(dec).toMatch(/^−6[12]° \d\d′ \d\d″$/);
    const rows = await page.locator('.nf-place-found dl div').allTextContents();
    expect(rows[0]).toMatch(/^Field1[56]\.\d° × 1[12]\.\d°$/);
    expect(rows.join(' ')).toMatch(/Stars matched\d+ of \d+/);
    // A busy machine may leave the built-in one too little time.
    expect(rows.join(' ')).toMatch(/Solver(built-in|solve-field)/);
  });

  it('shows the picture with what is in it', async () => {
    const image = page.locator('.nf-picture img').first();
    await image.waitFor({ timeout: 60_000 });
    await expect
      .poll(() => image.evaluate((each: HTMLImageElement) => each.naturalWidth), { timeout: 60_000 })
      .toBe(960);
    if (screenshots) {
      mkdirSync(screenshots, { recursive: true });
      await page.screenshot({ path: join(screenshots, 'solve.png'), fullPage: true });
    }
  });

  it('turns red at night', async () => {
    const red = () => page.evaluate(() => document.documentElement.classList.contains('nf-red'));
    await page.getByRole('button', { name: 'Red night mode' }).click();
    expect(await red()).toBe(true);
    await page.getByRole('button', { name: 'Red night mode' }).click();
    expect(await red()).toBe(false);
  });

  it('fits the width of the phone, and complains about nothing', async () => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(complaints).toEqual([]);
    expect(running.output()).not.toMatch(/\[error\]/);
  });
});
