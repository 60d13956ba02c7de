/**
 * A new user's first evening: `npm start`, the phone page, a film, the editor, a flow of one's own. Set NIGHTFLOW_SCREENSHOTS to a folder
 * to keep what the browser saw.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, inPackage, type Running, startProgram, temporaryFolder } from '../house/node-red.ts';
import { openBrowser } from './chromium.ts';
import { addFlow, closeDialog, deploy, dragFromPalette, fillDialog, openDialog, statusOf, wire } from './editor.ts';
import { screenshot } from './pages.ts';

const film = 240_000;
let observatory: Running;
let browser: Browser;
let editor: string;
let dashboard: string;

const address = (name: string) => new RegExp(`${name}:\\s+(http\\S+)`);

beforeAll(async () => {
  const userDir = temporaryFolder();
  observatory = await startProgram({
    args: () => [inPackage('scripts/start.js')],
    env: { NIGHTFLOW_HOME: userDir, NIGHTFLOW_PORT: String(await freePort()) },
    userDir,
  });
  const printed = await observatory.printed(address('Dashboard'));
  editor = address('Editor').exec(printed)![1]!;
  dashboard = address('Dashboard').exec(printed)![1]!;
  browser = await openBrowser();
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await observatory?.stop();
});

describe('the page on the phone', () => {
  let page: Page;
  const complaints: string[] = [];
  const picture = (title: string) => page.locator('.nrdb-ui-group', { hasText: title }).locator('img').first();
  const shown = (title: string) =>
    page.waitForFunction(
      (name) => {
        const groups = [...document.querySelectorAll('.nrdb-ui-group')];
        const image = groups.find((group) => group.textContent?.includes(name))?.querySelector('img');
        return (image?.naturalWidth ?? 0) > 0;
      },
      title,
      { timeout: 120_000 },
    );

  beforeAll(async () => {
    page = await browser.newPage({
      viewport: { width: 390, height: 844 },
      deviceScaleFactor: 2,
      isMobile: true,
      hasTouch: true,
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith('http://127.0.0.1') && !/^(data|blob):/.test(request.url()))
        complaints.push(`asked ${request.url()}`);
    });
    await page.goto(dashboard);
  });
  afterAll(() => page?.close());

  it('shows the live picture, the stack, the growing trail, the keogram', async () => {
    for (const title of ['Live', 'Latest stack', 'Star trail', 'Keogram']) await shown(title);
    await expect.poll(() => page.locator('.nf-state').textContent(), { timeout: 30_000 }).toBe('Exposing');
    await screenshot(page, 'phone');
    await screenshot(page, 'phone-whole', true);
  }, 200_000);

  it('fits the width of the phone', async () => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    const box = (await picture('Live').boundingBox())!;
    expect(box.x >= 0 && box.x + box.width <= 390).toBe(true);
  });

  it('counts frames and shows the gap', async () => {
    const frames = async () => Number(await page.locator('.nf-figures b').first().textContent());
    const before = await frames();
    await expect.poll(frames, { timeout: 30_000 }).toBeGreaterThan(before);
    // A gap needs two frames.
    const gap = page.locator('.nf-figures b').nth(1);
    await expect.poll(() => gap.textContent(), { timeout: 30_000 }).toMatch(/^[\d.]+ (ms|s)$/);
  }, 90_000);

  it('pauses and goes on', async () => {
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(() => page.locator('.nf-state').textContent(), { timeout: 30_000 }).toBe('Paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(() => page.locator('.nf-state').textContent(), { timeout: 30_000 }).toBe('Exposing');
  }, 90_000);

  it('keeps what is set', async () => {
    const prefix = page.getByLabel('File prefix');
    await prefix.fill('garden');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: /^Saved/ }).waitFor();
    await expect
      .poll(
        async () => {
          await page.reload();
          await page.locator('.nf-state').waitFor();
          return prefix.inputValue();
        },
        { timeout: 30_000 },
      )
      .toBe('garden');
  }, 60_000);

  it('opens a picture in a page of its own', async () => {
    const [opened] = await Promise.all([page.waitForEvent('popup'), page.locator('.nf-picture a').first().click()]);
    expect(opened.url()).toContain('/nightflow/pictures/');
    await expect
      .poll(() => opened.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(0);
    await opened.close();
  }, 60_000);

  it('turns red at night and remembers it', async () => {
    const red = () => page.evaluate(() => document.documentElement.classList.contains('nf-red'));
    await page.getByRole('button', { name: 'Red night mode' }).click();
    expect(await red()).toBe(true);
    await screenshot(page, 'phone-red');
    await page.locator('.nf-picture a').first().click();
    await page.locator('.nf-viewer img').waitFor();
    await screenshot(page, 'phone-red-picture');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.reload();
    await page.locator('.nf-state').waitFor();
    expect(await red()).toBe(true);
    await page.getByRole('button', { name: 'Red night mode' }).click();
    expect(await red()).toBe(false);
  }, 60_000);

  it(
    'offers a film that a phone can play',
    async () => {
      const link = page.locator('.nf-gallery a', { hasText: '.mp4' }).first();
      await link.waitFor({ timeout: film });
      const url = new URL((await link.getAttribute('href'))!, dashboard);
      const part = await fetch(url, { headers: { Range: 'bytes=0-99' } });
      expect([part.status, part.headers.get('content-type')]).toEqual([206, 'video/mp4']);
      expect(Buffer.from(await part.arrayBuffer()).toString('latin1', 4, 8)).toBe('ftyp');
      await screenshot(page, 'phone-film', true);
    },
    film + 30_000,
  );

  it('stops', async () => {
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Really stop?' }).click();
    await expect.poll(() => page.locator('.nf-state').textContent(), { timeout: 60_000 }).toMatch(/^Ended/);
    await expect.poll(() => page.locator('.nf-summary dd').first().textContent(), { timeout: 30_000 }).toMatch(/^\d+$/);
  }, 120_000);

  it('had nothing to complain about, and asked nobody outside', () => {
    expect(complaints).toEqual([]);
  });
});

describe('the editor', () => {
  let page: Page;

  beforeAll(async () => {
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(editor);
    await page.locator('.red-ui-palette-node[data-palette-type="astro-capture"]').waitFor();
    await page.locator('.red-ui-flow-node').first().waitFor();
  }, 60_000);
  afterAll(() => page?.close());

  it('shows the demo flow', async () => {
    expect(await page.locator('.red-ui-flow-node').count()).toBeGreaterThan(20);
    await screenshot(page, 'editor');
  });

  it('offers our flows under Import, Examples', async () => {
    await page.keyboard.press('Control+i');
    const dialog = page.locator('#red-ui-clipboard-dialog');
    await dialog.locator('.red-ui-clipboard-dialog-tabs').getByText('Examples').click();
    await dialog.getByText('@nightflow/node-red').click();
    for (const flow of ['star-trails', 'pictures']) await dialog.getByText(flow, { exact: true }).waitFor();
    await screenshot(page, 'import');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }, 60_000);

  it('lets a capture, a stack and a preview be dragged, wired and deployed, and the picture comes', async () => {
    await addFlow(page);
    const capture = await dragFromPalette(page, 'astro-capture', 250, 200);
    const stack = await dragFromPalette(page, 'astro-stack', 450, 200);
    const preview = await dragFromPalette(page, 'astro-preview', 650, 200);
    await wire(page, capture, stack);
    await wire(page, stack, preview);
    await openDialog(page, capture);
    expect(await page.locator('#node-input-camera option:checked').textContent()).toBe('Simulated all-sky camera');
    await fillDialog(page, {
      mode: 'count',
      count: '2',
      exposureSeconds: '5',
      startAt: 'deploy',
      keep: 'none',
      freeGigabytes: '0',
    });
    await openDialog(page, stack);
    await fillDialog(page, { stackBy: 'count', stackFrames: '2' });
    await deploy(page);
    await expect.poll(() => statusOf(page, preview), { timeout: 90_000 }).toMatch(/^\d+x\d+ · \d+ kB/);
    await screenshot(page, 'own-flow');
    await openDialog(page, preview);
    const picture = page.locator('#astro-preview-latest img');
    await picture.waitFor();
    expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(600);
    await screenshot(page, 'own-picture');
    await closeDialog(page);
  }, 180_000);
});
