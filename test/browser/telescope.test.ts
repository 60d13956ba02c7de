/**
 * The page "Telescope" on a phone, as it comes out of Import, with the simulated observatory: a target by name, slew, abort, park, focuser,
 * filter, cooler, the live picture. Set NIGHTFLOW_SCREENSHOTS to a folder to keep what the browser saw.
 */
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, inPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { openPhone, screenshot } from './pages.ts';

const userDir = temporaryFolder();
const nodes = JSON.parse(readFileSync(inPackage('flows/indi-devices.json'), 'utf8')) as { id: string; name?: string }[];
let running: Running;
let browser: Browser;
let page: Page;
let complaints: string[];

const shot = (name: string, fullPage = false) => screenshot(page, name, fullPage);
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const state = () => page.locator('.nf-telescope .nf-state').textContent();
const figure = async (at: number) => parseFloat((await page.locator('.nf-figures b').nth(at).textContent()) ?? '');
const shows = (what: () => Promise<string | null>, wanted: string | RegExp) =>
  expect.poll(what, { timeout: 60_000 })[typeof wanted === 'string' ? 'toBe' : 'toMatch'](wanted as never);
const said = async () => (await page.locator('.nf-said').allTextContents()).join(' ');
const weather = () => page.locator('.nf-weather').textContent();
/** Presses the button of an Inject node. */
const trigger = async (name: string) => {
  const { id } = nodes.find((node) => node.name === name)!;
  expect((await fetch(`${running.url}/inject/${id}`, { method: 'POST' })).status).toBe(200);
};
const device = (name: string) => page.locator(`.nf-${name} header span`).textContent();

beforeAll(async () => {
  buildPackage();
  copyFileSync(inPackage('flows/indi-devices.json'), join(userDir, 'flows.json'));
  running = await startOurs(userDir);
  browser = await openBrowser();
  ({ page, complaints } = await openPhone(browser, `${running.url}/dashboard/telescope`));
  await page.locator('.nf-telescope .nf-state').waitFor({ timeout: 120_000 });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await running?.stop();
  rmSync(userDir, { recursive: true, force: true });
});

describe('the page Telescope', () => {
  it('connects by itself, and says where the telescope looks', async () => {
    await shows(state, 'Not tracking');
    await expect.poll(() => figure(0), { timeout: 60_000 }).toBeGreaterThan(40);
    // The pole stands as high as the place is north.
    expect(await figure(0)).toBeLessThan(60);
    await shows(() => device('filter'), 'Red');
    await shows(() => device('focuser'), /^\d+/);
    await shows(() => device('cooler'), /°C · off$/);
    await shows(weather, /^Safe\s*15\.0 °C · wind 0$/);
  }, 120_000);

  it('slews to a target of the list, and tracks it', async () => {
    await page.getByLabel('Target').fill('m31');
    await press('Slew');
    await shows(state, 'Slewing');
    await shows(state, 'Tracking');
    await shows(said, 'At M 31.');
    expect(await page.locator('.nf-telescope .nf-small').first().textContent()).toMatch(/^00h42m4\ds \+41°1\d'\d\d"$/);
  }, 120_000);

  it('shows what the camera sees', async () => {
    await press('Luminance');
    await shows(() => device('filter'), 'Luminance');
    await press('Start live picture');
    await page.locator('.nf-picture img').waitFor({ timeout: 60_000 });
    await shows(() => page.locator('.nf-picture figcaption').textContent(), /UTC · 2 s$/);
    expect(await page.locator('.nf-picture img').evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBe(960);
  }, 180_000);

  it('centres the target by its stars, with the camera of the live picture, which goes on afterwards', async () => {
    await press('Centre');
    await shows(state, /^Centring/);
    await expect.poll(said, { timeout: 200_000 }).toMatch(/^Centred to \d+\.\d"\./);
    await shows(state, 'Tracking');
    await page.getByRole('button', { name: 'Stop live picture' }).waitFor({ timeout: 60_000 });
    await shows(() => page.locator('.nf-picture figcaption').textContent(), /UTC · 2 s$/);
    await shot('telescope', true);
    await press('Stop live picture');
    await page.getByRole('button', { name: 'Start live picture' }).waitFor({ timeout: 60_000 });
  }, 300_000);

  it('refuses what is below the horizon, with the reason', async () => {
    await page.getByLabel('Target').fill('13 26 47 -47 28 46');
    await press('Slew');
    await shows(said, /^The mount stays where it is: the target stands at -\d+\.\d°/);
    await shows(() => page.locator('.nf-notice').first().textContent(), /Mount: The mount stays where it is/);
    await shows(state, 'Tracking');
    await page.getByRole('button', { name: 'Dismiss' }).first().click();
  }, 120_000);

  it('stops at once when it is told to', async () => {
    await page.getByLabel('Target').fill('09 55 33 +69 03 55');
    await press('Slew');
    await shows(state, 'Slewing');
    await press('Abort');
    await shows(said, 'Stopped.');
    await shows(state, /^(Not tracking|Tracking)$/);
  }, 120_000);

  it('moves the focuser, turns filters in, cools and warms up', async () => {
    const before = parseInt((await device('focuser')) ?? '', 10);
    await press('+1000');
    await shows(() => device('focuser'), new RegExp(`^${before + 1000}\\b`));
    await page.getByLabel('Position').fill('20000');
    await press('Go to');
    await shows(() => device('focuser'), /^20000\b/);
    await press('H Alpha');
    await shows(() => device('filter'), 'H Alpha');
    await page.getByLabel('Temperature').fill('5');
    await press('Cool');
    await shows(() => device('cooler'), /cooling, now to \d+ °C/);
    await shot('telescope-devices', true);
    await press('Warm up');
    await shows(() => device('cooler'), /°C · off$/);
  }, 180_000);

  it('sets the camera by a profile, and its gain', async () => {
    await press('faint');
    await shows(() => device('settings'), 'gain 120 · offset 30 · binning 1');
    await page.getByLabel('Gain').fill('7');
    await press('Set gain');
    await shows(() => device('settings'), 'gain 7 · offset 30 · binning 1');
    await press('bright');
    await shows(() => device('settings'), 'gain 0 · offset 10 · binning 1');
  }, 120_000);

  it('parks, and offers to unpark', async () => {
    await press('Park');
    await shows(state, 'Parked');
    expect(await page.getByRole('button', { name: 'Slew' }).isDisabled()).toBe(true);
    await press('Unpark');
    await shows(state, 'Not tracking');
  }, 120_000);

  it('is parked when it rains, and stays so until it is dry', async () => {
    await trigger('Let it rain');
    await shows(state, 'Parked');
    await shows(weather, /^Not safe/);
    await press('Unpark');
    await shows(said, /^Not safe: /);
    await shows(state, 'Parked');
    await trigger('Let it be dry');
    await shows(weather, /^Safe/);
    await press('Unpark');
    await shows(state, 'Not tracking');
  }, 180_000);

  it('shows the same after a reload, and fits the phone with buttons for fingers', async () => {
    await page.reload();
    await shows(state, 'Not tracking');
    await shows(() => device('focuser'), /^20000\b/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    for (const button of await page.locator('.nf-telescope button, .nf-devices button, .nf-live button').all())
      expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(48);
  }, 120_000);

  it('turns red at night', async () => {
    await press('Red night mode');
    expect(await page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(true);
    await shot('telescope-red');
    await press('Red night mode');
    expect(await page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(false);
  }, 60_000);

  it('had nothing to complain about, and asked nobody outside', () => {
    expect(complaints).toEqual([]);
  });
});
