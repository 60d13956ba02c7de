/**
 * The page "Occultations" on a phone, as it comes out of Import: a list is pasted and looked at, and a whole night runs over the simulated
 * observatory, from the first slew to the stopped server. Set NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, inPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { openPhone, screenshot } from './pages.ts';

const userDir = temporaryFolder();
const clockStart = '2026-12-09T20:00:00Z';
let running: Running;
let browser: Browser;
let page: Page;
let startedAt: number;
let complaints: string[];

const shot = (name: string) => screenshot(page, name, true);
const press = (name: string | RegExp) => page.getByRole('button', { name }).click();
const phase = () => page.locator('.nf-state').textContent();
const rows = async () =>
  Object.fromEntries(
    (await page.locator('.nf-event').all()).length === 0
      ? []
      : await page
          .locator('.nf-event')
          .evaluateAll((all) =>
            all.map((each) => [each.querySelector('b')?.textContent, each.getAttribute('data-state')]),
          ),
  ) as Record<string, string>;
const log = () => page.locator('.nf-log p').allTextContents();
/** Seconds from now, by the clock of the rehearsed night. */
const inSeconds = (seconds: number) =>
  new Date(Date.parse(clockStart) + (performance.now() - startedAt) + seconds * 1000).toISOString().slice(0, 19);

/** Two targets to be recorded, one that never rises, one for the skip button, one broken line. */
async function pasteList(): Promise<void> {
  await page
    .getByLabel('Targets')
    .fill(
      [
        'name; RA; Dec; start; duration; magnitude; exposure',
        `First; 23 39 20.8; +77 37 57; ${inSeconds(100)}; 6; 8.5;`,
        `Below; 21 08 46.9; -88 57 23; ${inSeconds(110)}; 6; 9;`,
        `Second; 00:30:00; +75:00:00; ${inSeconds(195)}; 6; ; 0.2`,
        `Later; 00:30:00; +75:00:00; ${inSeconds(1800)}; 6; 12;`,
        'Broken; 25h; 5',
      ].join('\n'),
    );
  await page.getByLabel('Cool to').uncheck();
  await press(/^Save/);
  const planned = { First: 'planned', Below: 'refused', Second: 'planned', Later: 'planned' };
  await expect.poll(rows, { timeout: 20_000 }).toEqual(planned);
}

beforeAll(async () => {
  buildPackage();
  const nodes = (
    JSON.parse(readFileSync(inPackage('flows/occultation-night.json'), 'utf8')) as Record<string, unknown>[]
  ).map((node) => (node.type === 'astro-schedule' ? { ...node, leadSeconds: '75' } : node));
  expect(nodes.find(({ type }) => type === 'astro-site')).toMatchObject({ clockStart, clockRate: '1' });
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(nodes));
  running = await startOurs(userDir);
  await running.printed(/Started flows/);
  startedAt = performance.now();
  browser = await openBrowser();
  ({ page, complaints } = await openPhone(browser, `${running.url}/dashboard/occultations`));
  await page.locator('.nf-state').waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true, maxRetries: 5 });
});

describe('the page Occultations', () => {
  it('waits for a list and a button', async () => {
    await expect.poll(phase, { timeout: 20_000 }).toBe('Ready');
    expect(await rows()).toEqual({});
    expect(await page.getByRole('button', { name: 'Check devices' }).count()).toBe(1);
  });

  it('offers an example whose times are to come, and says before the night what can be taken and what not', async () => {
    await press('Example');
    await press(/^Save/);
    await expect
      .poll(rows, { timeout: 20_000 })
      .toEqual({ Kochab: 'planned', 'Sigma Octantis': 'refused', Errai: 'planned', Alfirk: 'planned' });
    await pasteList();
    const list = await page.locator('.nf-events').textContent();
    expect(list).toMatch(/Below.*can't be seen at .* it stands at -\d/);
    expect(list).toMatch(/Line 6: The right ascension "25h"/);
    expect(list).toMatch(/6 s · 0\.02 s \(shortest\) for 8\.5 mag|6 s · 0\.02 s for 8\.5 mag/);
    expect(await page.locator('.nf-leftOut').textContent()).toBe(
      "Not taken: 1 line can't be read, 1 line is refused. The list says why.",
    );
    await shot('occultation-list');
  }, 90_000);

  it('fits the width of the phone, with buttons for fingers', async () => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    for (const button of await page.locator('.nf-buttons button').all())
      expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(48);
  });

  it('runs the night: each target pointed at and recorded, one skipped by hand, everything put away', async () => {
    // A second try begins anew.
    if ((await page.getByRole('button', { name: 'Start the night' }).count()) === 0) {
      await press('Abort');
      await press('Sure? Stop all');
      await expect.poll(phase, { timeout: 20_000 }).toBe('Stopped');
    }
    await pasteList();
    await press('Start the night');
    await expect
      .poll(rows, { timeout: 60_000 })
      .toMatchObject({ First: expect.stringMatching(/preparing|running|done/) });
    await expect
      .poll(() => page.locator('.nf-countdown').textContent(), { timeout: 20_000 })
      .toMatch(/^[−+] \d\d:\d\d$/);
    await page.getByRole('button', { name: 'skip Later' }).click();
    await expect.poll(rows, { timeout: 20_000 }).toMatchObject({ Later: 'skipped' });
    await page.getByRole('button', { name: 'restore Later' }).click();
    await expect.poll(rows, { timeout: 20_000 }).toMatchObject({ Later: 'planned' });
    await page.locator('.nf-recording').waitFor({ timeout: 240_000 });
    await shot('occultation-recording');
    await expect.poll(rows, { timeout: 120_000 }).toMatchObject({ First: 'done' });
    await page.locator('.nf-picture img').waitFor({ timeout: 60_000 });
    await expect.poll(rows, { timeout: 300_000, interval: 500 }).toMatchObject({ Second: 'done' });
    await page.getByRole('button', { name: 'skip Later' }).click();
    await expect.poll(phase, { timeout: 240_000, interval: 500 }).toBe('Night over');
    await shot('occultation-over');
    const said = (await log()).join('\n');
    expect(said).toContain('The list is finished: 2 done, 0 failed, 0 missed, 1 skipped.');
    expect(said).toContain('The night is over, everything is put away.');
  }, 900_000);

  it('leaves a film with its protocol for each target, in the folder of the night', () => {
    const folder = join(userDir, 'archive/occultations/2026-12-09');
    const files = readdirSync(folder);
    for (const name of ['First', 'Second']) {
      const film = files.find((file) => file.startsWith(name) && file.endsWith('.ser'))!;
      const bytes = readFileSync(join(folder, film));
      expect(bytes.toString('latin1', 0, 14)).toBe('LUCAM-RECORDER');
      // SER: the number of frames stands at byte 38.
      expect(bytes.readInt32LE(38)).toBeGreaterThan(0);
      expect(files.some((file) => file.startsWith(name) && file.endsWith('.json'))).toBe(true);
    }
  });

  it('turns red at night', async () => {
    await press('Red night mode');
    expect(await page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(true);
    await shot('occultation-red');
    await press('Red night mode');
  });

  it('had nothing to complain about, and asked nobody outside', () => {
    expect(complaints).toEqual([]);
    expect(running.output()).not.toMatch(/\[error\]/);
  });
});
