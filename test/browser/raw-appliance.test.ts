/** The page "RAW appliance" on a phone, as it comes out of Import, and the command that the package installs against the same appliance. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, inPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';

const screenshots = process.env.NIGHTFLOW_SCREENSHOTS;
const userDir = temporaryFolder();
const frames = temporaryFolder();
let running: Running;
let browser: Browser;
let page: Page;
const complaints: string[] = [];
const patience = { timeout: 90_000 };

beforeAll(async () => {
  buildPackage();
  writeFileSync(join(userDir, 'flows.json'), readFileSync(inPackage('flows/raw-appliance.json')));
  running = await startOurs(userDir);
  browser = await openBrowser();
  page = await browser.newPage({
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${running.url}/dashboard/raw-appliance`);
  await page.locator('.nf-appliance').waitFor({ timeout: 120_000 });
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
  rmSync(frames, { recursive: true, force: true });
});

describe('the RAW appliance', { timeout: 180_000 }, () => {
  it('takes a batch from the page, and offers its frames', async () => {
    await page.getByLabel('Frames').fill('2');
    await page.getByLabel('Exposure, s').fill('0.5');
    await page.getByRole('button', { name: 'Start' }).tap();
    await expect.poll(() => page.locator('.nf-line b').textContent(), patience).toBe('Done');
    expect(await page.locator('.nf-figures b').allTextContents()).toEqual(['2', '2', '0']);
    await page.locator('.nf-picture img').first().waitFor({ timeout: 60_000 });
    if (screenshots) {
      mkdirSync(screenshots, { recursive: true });
      await page.screenshot({ path: join(screenshots, 'raw-appliance.png'), fullPage: true });
    }
    const href = await page.locator('.nf-links a').first().getAttribute('href');
    const answer = await fetch(running.url + href);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/fits']);
    await answer.arrayBuffer();
  });

  it('fits a phone, with buttons large enough for gloves, and no error', async () => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    for (const button of await page.locator('.nf-appliance button').all())
      expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(48);
    expect(complaints).toEqual([]);
  });

  it('is emptied by nightflow-capture as it fills', async () => {
    const program = inPackage('dist/lib/field/appliance/nightflow-capture.js');
    const host = new URL(running.url).host;
    const given = [program, '3', '--host', host, '--exposure', '0.2', '--out', frames];
    const { stdout } = await promisify(execFile)(process.execPath, given);
    expect(stdout).toBe(`3 frames are in ${frames}.\n`);
    expect(readdirSync(frames).filter((name) => name.endsWith('.fits'))).toHaveLength(3);
    await expect.poll(() => page.locator('.nf-figures b').allTextContents(), patience).toEqual(['3', '0', '0']);
  });
});
