/** The pages that the tests open: the dashboard on a phone, the editor; and pictures of them where NIGHTFLOW_SCREENSHOTS names a folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { nodeOf } from './editor.ts';

export interface Opened {
  page: Page;
  /** Errors of the page's scripts, and what it asked of other computers; it grows. */
  complaints: string[];
}

export async function openPhone(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
    ...options,
  });
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(address);
  return { page, complaints };
}

/** The editor, when it shows a node. */
export async function openEditor(browser: Browser, address: string, node: string): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  const complaints = listen(page);
  await page.goto(address);
  await nodeOf(page, node).waitFor();
  return { page, complaints };
}

export async function screenshot(page: Page, name: string, fullPage = false): Promise<void> {
  const folder = process.env.NIGHTFLOW_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}

/** The editor in its light and in its dark theme. */
export async function screenshotThemes(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate((dark) => document.documentElement.classList.toggle('nr-theme-dark', dark), theme === 'dark');
    await screenshot(page, `${name}-${theme}`);
  }
}

function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!/^(?:https?:\/\/(?:127\.0\.0\.1|localhost)[:/]|data:|blob:)/.test(request.url()))
      complaints.push(`asked ${request.url()}`);
  });
  return complaints;
}
