/** The page "Plate solving" on a phone, as it comes out of Import: a simulated picture, its place in the sky, and what is in it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
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

beforeAll(async () => {
  buildPackage();
  writeFileSync(join(userDir, 'flows.json'), readFileSync(inPackage('flows/solve.json')));
  running = await startOurs(userDir);
  browser = await openBrowser();
  ({ page, complaints } = await openPhone(browser, `${running.url}/dashboard/solve`));
  await page.locator('.nf-centre').waitFor({ timeout: 120_000 });
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
});

const shoot = (name: string) => screenshot(page, name, true);

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

  it('shows the picture, and draws on it what is in it', async () => {
    const image = page.locator('.nf-sky img');
    await image.waitFor({ timeout: 60_000 });
    await expect
      .poll(() => image.evaluate((each: HTMLImageElement) => each.naturalWidth), { timeout: 60_000 })
      .toBe(960);
    await page.locator('.nf-sky svg .lines path').first().waitFor({ state: 'attached' });
    expect(await page.locator('.nf-sky svg text.object').count()).toBeGreaterThan(0);
    await shoot('solve');
  });

  it('switches a layer on and off, and remembers it', async () => {
    const lines = page.locator('.nf-sky svg .lines path');
    const chip = page.getByRole('button', { name: 'Lines' });
    const grid = page.getByRole('button', { name: 'Grid' });
    expect(await page.locator('.nf-sky svg .grid path').count()).toBe(0);
    await grid.tap();
    await page.locator('.nf-sky svg .grid path').first().waitFor({ state: 'attached' });
    await chip.tap();
    await expect.poll(() => lines.count()).toBe(0);
    expect(await chip.getAttribute('aria-pressed')).toBe('false');
    await page.reload();
    await page.locator('.nf-sky svg .grid path').first().waitFor({ state: 'attached', timeout: 60_000 });
    expect(await lines.count()).toBe(0);
    await chip.tap();
    await lines.first().waitFor({ state: 'attached' });
    await grid.tap();
    await expect.poll(() => page.locator('.nf-sky svg .grid path').count()).toBe(0);
  });

  it('says what an object is when it is touched', async () => {
    const label = page.locator('.nf-sky svg text.object').first();
    const name = await label.textContent();
    await page.locator('.nf-sky-window').scrollIntoViewIfNeeded();
    const box = (await label.boundingBox())!;
    await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
    const card = page.locator('.nf-sky-card');
    await card.waitFor({ timeout: 20_000 });
    expect(await card.locator('b').textContent()).toBe(name);
    const rows = await card.locator('dl div').allTextContents();
    expect(rows[0]).toMatch(/^KindDeep sky/);
    // The site is known: where it stands is too. The camera looks 62° up.
    expect(rows.join(' ')).toMatch(
      /Altitude(5\d|6\d|7\d)\.\d° Azimuth\d+° [NSEW]+ RA, Dec\d\dh \d\d\.\dm −\d\d° \d\d′$/,
    );
    await shoot('solve-touched');
    await card.getByRole('button', { name: 'Close' }).tap();
    await card.waitFor({ state: 'detached' });
  });

  it('comes nearer', async () => {
    const zoom = page.getByRole('button', { name: 'Zoom' });
    await zoom.tap();
    const sheet = page.locator('.nf-sky-sheet');
    await expect.poll(async () => Math.round((await sheet.boundingBox())!.width / (await page.locator('.nf-sky-window').boundingBox())!.width)).toBe(2); // biome-ignore format: one sentence
    await shoot('solve-near');
    await zoom.tap();
    await zoom.tap();
    expect(await zoom.textContent()).toBe('1×');
  });

  it('turns red at night', async () => {
    const red = () => page.evaluate(() => document.documentElement.classList.contains('nf-red'));
    await page.getByRole('button', { name: 'Red night mode' }).click();
    expect(await red()).toBe(true);
    await shoot('solve-red');
    await page.getByRole('button', { name: 'Red night mode' }).click();
    expect(await red()).toBe(false);
  });

  it('fits the width of the phone, and complains about nothing', async () => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(complaints).toEqual([]);
    expect(running.output()).not.toMatch(/\[error\]/);
  });
});
