/** The page "Tonight" on a phone, as it comes out of Import: the night, the windows of the targets, and why the others can't be seen. */
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
  // One afternoon in November for ever after, so that the sky is the same whenever the test runs, and one broken line.
  const flow = (JSON.parse(readFileSync(inPackage('flows/tonight.json'), 'utf8')) as Record<string, unknown>[]).map(
    (node) => {
      if (node.type === 'astro-site')
        return { ...node, clock: 'rehearsal', clockStart: '2026-11-21T14:00:00Z', clockRate: '1' };
      return node.name === 'My targets' ? { ...node, template: `${node.template}Nowhere, 25h, 5\n` } : node;
    },
  );
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flow));
  running = await startOurs(userDir);
  browser = await openBrowser();
  ({ page, complaints } = await openPhone(browser, `${running.url}/dashboard/tonight`, {
    timezoneId: 'Europe/London',
  }));
  await page.locator('.nf-tonight tbody tr').first().waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the page Tonight', () => {
  it('says when it gets dark, and how the Moon is', async () => {
    await page.locator('.nf-now').waitFor();
    // astropy 5.2.1, bisection of the Sun's altitude over Greenwich: -12° at 17:22:23 UTC.
    expect(await page.locator('.nf-now').textContent()).toBe('Day until 17:22');
    const rows = await page.locator('.nf-night dl div').allTextContents();
    expect(rows.at(-1)).toMatch(/^Moonwaxing gibbous, 8\d %, /);
  });

  it('lists what can be seen in the order of time, then what can not, with the reason', async () => {
    const names = await page.locator('.nf-tonight tbody b').allTextContents();
    expect(names).toHaveLength(9);
    expect(names.at(-1)).toBe('Omega Centauri');
    const orion = page.locator('.nf-tonight tr', { hasText: 'M 42' });
    expect(await orion.locator('td').allTextContents()).toEqual([
      expect.stringMatching(/^M 42/),
      expect.stringMatching(/^2[0-3]:\d\d$/),
      expect.stringMatching(/^0[2-5]:\d\d$/),
      expect.stringMatching(/^33° 01:\d\d$/),
    ]);
    const omega = page.locator('.nf-tonight tr', { hasText: 'Omega Centauri' });
    expect(await omega.locator('.nf-why').textContent()).toMatch(
      /^Omega Centauri never gets above 25\.0° here: at most -\d+\.\d°\.$/,
    );
  });

  it('says why the Moon is in the way, and which line of the list is broken', async () => {
    const triangulum = page.locator('.nf-tonight tr', { hasText: 'M 33' });
    expect(await triangulum.locator('.nf-why').textContent()).toContain('the Moon is up and closer than 30.0°');
    expect(await page.locator('.nf-broken').allTextContents()).toEqual([
      expect.stringContaining('Line 12: The right ascension "25h" is not below 24 h.'),
    ]);
  });

  it('turns red for the eyes, and back', async () => {
    const button = page.getByRole('button', { name: 'Red night mode' });
    await button.click();
    await expect.poll(() => page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(true);
    await button.click();
    await expect.poll(() => page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(false);
  });

  it('fits the width of the phone without a complaint', async () => {
    await screenshot(page, 'tonight', true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(complaints).toEqual([]);
  });
});
