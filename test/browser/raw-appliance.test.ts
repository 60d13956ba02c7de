/** The page "RAW appliance" on a phone, over HTTPS with the password, and what a page elsewhere in the same browser can do: nothing. */
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { password, SecuredAppliance, user } from '../real/secured-appliance.ts';
import { openBrowser } from './chromium.ts';
import { openPhone, screenshot } from './pages.ts';

const appliance = new SecuredAppliance();
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];
const patience = { timeout: 90_000 };

beforeAll(async () => {
  await appliance.open();
  browser = await openBrowser();
  ({ page, complaints } = await openPhone(browser, `${appliance.origin}/dashboard/raw-appliance`, {
    // What a person does who has seen the warning once, and typed the password once.
    ignoreHTTPSErrors: true,
    httpCredentials: { username: user, password },
  }));
  context = page.context();
  await page.locator('.nf-appliance').waitFor({ timeout: 120_000 });
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await appliance.close();
});

/** Taken and to fetch; what the simulated camera loses on a busy machine is its own affair. */
/** Taken, to fetch, lost. */
const figures = () => page.locator('.nf-figures b').allTextContents();
const links = () => page.locator('.nf-links a').allTextContents();

describe('the RAW appliance', { timeout: 180_000 }, () => {
  it('takes a batch from the page, and offers its frames', async () => {
    await page.getByLabel('Frames').fill('');
    await page.getByText('Frames takes a number from 1').waitFor();
    await page.getByLabel('Frames').fill('2');
    await page.getByLabel('Exposure, s').fill('2');
    await page.getByRole('button', { name: 'Start' }).tap();
    await expect.poll(() => page.locator('.nf-line b').textContent(), patience).toBe('Done');
    expect(await figures()).toEqual(['2', '2', '0']);
    await expect.poll(links, patience).toEqual(['1', '2']);
    await page.locator('.nf-picture img').first().waitFor({ timeout: 60_000 });
    await screenshot(page, 'raw-appliance', true);
    const href = await page.locator('.nf-links a').first().getAttribute('href');
    const answer = await page.request.get(`${appliance.origin}${href}`);
    expect([answer.status(), answer.headers()['content-type']]).toEqual([200, 'application/fits']);
  });

  it('fits a phone, with buttons large enough for gloves, and no error', async () => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    for (const button of await page.locator('.nf-appliance button').all())
      expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(48);
    expect(complaints).toEqual([]);
  });

  it('knows what is there when it is opened again, and deletes it when it is asked twice', async () => {
    await page.reload();
    await expect.poll(figures, patience).toEqual(['2', '2', '0']);
    await expect.poll(links, patience).toEqual(['1', '2']);
    await page.getByRole('button', { name: 'Delete them here' }).tap();
    await page.getByRole('button', { name: 'Delete 2 frames for good?' }).tap();
    await expect.poll(links, patience).toEqual([]);
    const { spool, batches } = (await appliance.ask('/status')).json();
    expect([spool.frames, batches]).toEqual([0, []]);
  });

  it('tells a batch that is larger than the spool from one that fits', async () => {
    await page.getByLabel('Frames').fill('900000');
    await page.getByRole('button', { name: 'Start' }).tap();
    const notice = page.getByText(/room for 5000 MB; \d+ MB are needed/);
    await notice.waitFor({ timeout: 60_000 });
    expect((await appliance.ask('/status')).json().batches).toEqual([]);
  });

  it('says the command for another computer, which empties the spool as it fills', async () => {
    await page.getByLabel('Frames').fill('3');
    await page.getByLabel('Exposure, s').fill('2');
    await page.getByText('From another computer').tap();
    const command = await page.locator('.nf-appliance code').textContent();
    expect(command).toBe(`nightflow-capture 3 --host ${appliance.origin} --exposure 2 --out frames`);
    const frames = appliance.folder();
    const words = command!.split(' ').slice(1, -1);
    const answer = await appliance.capture([...words, frames, '--user', user, '--cacert', 'cert.pem']);
    expect(answer, answer.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^3 frames are in /) });
    expect(readdirSync(frames)).toHaveLength(3);
    await expect.poll(figures, patience).toEqual(['3', '0', '0']);
  });

  it('offers what waits of earlier batches, which can be deleted one by one', async () => {
    const waiting = async () => (await appliance.ask('/status')).json().spool.frames;
    const forget = async (left: number) => {
      await page.getByRole('button', { name: 'Delete them here' }).tap();
      await page.getByRole('button', { name: 'Delete 1 frame for good?' }).tap();
      await expect.poll(waiting, patience).toBe(left);
    };
    await page.getByLabel('Frames').fill('1');
    for (const frames of [1, 2]) {
      await page.getByRole('button', { name: 'Start' }).tap();
      await expect.poll(waiting, patience).toBe(frames);
      await page.locator('.nf-appliance button.go:enabled').waitFor({ timeout: 60_000 });
    }
    await page.getByText('Earlier batches wait to be fetched: 1').tap();
    await page.locator('.nf-appliance details a').tap();
    await forget(1);
    await expect.poll(links, patience).toEqual(['1']);
    await forget(0);
  });

  it('turns red at night', async () => {
    await page.getByRole('button', { name: 'Red night mode' }).tap();
    expect(await page.evaluate(() => document.documentElement.classList.contains('nf-red'))).toBe(true);
  });

  it('is nothing that a page elsewhere can move, though the browser knows the password', async () => {
    const target = `${appliance.origin}/appliance`;
    const evil = createServer((_request, response) =>
      response.setHeader('Content-Type', 'text/html').end(`<title>Evil</title>
        <iframe name="there"></iframe>
        <form action="${target}/shot" method="post" enctype="text/plain" target="there">
          <input name='{"exposureSeconds":0.1,"x":"' value='"}'></form>`),
    );
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const elsewhere = await context.newPage();
    await elsewhere.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const refused: number[] = [];
    elsewhere.on('response', (answer) => {
      if (answer.url().startsWith(target)) refused.push(answer.status());
    });
    const outcomes = await elsewhere.evaluate(async (target) => {
      const call = JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'batch',
        params: { count: 2, exposureSeconds: 0.1 },
      });
      const json = { 'Content-Type': 'application/json' };
      const ask = (path: string, init: RequestInit) =>
        fetch(target + path, { credentials: 'include', ...init }).then(
          ({ type, status }) => `${type} ${status}`,
          () => 'refused by the browser',
        );
      document.forms[0]!.submit();
      navigator.sendBeacon(`${target}/rpc`, new Blob([call], { type: 'text/plain' }));
      return [
        await ask('/rpc', { method: 'POST', headers: json, body: call }),
        await ask('/rpc', { method: 'POST', mode: 'no-cors', body: call }),
        await ask('/status', {}),
      ];
    }, target);
    expect(outcomes).toEqual([
      'refused by the browser',
      expect.stringMatching(/^opaque|^refused/),
      'refused by the browser',
    ]);
    await expect.poll(() => refused.length, patience).toBeGreaterThanOrEqual(2);
    for (const status of refused) expect([401, 403, 405, 415]).toContain(status);
    await elsewhere.close();
    evil.close();
    const { batches, cameras } = (await appliance.ask('/status')).json();
    expect(batches.map(({ count }: { count: number }) => count)).toEqual([3]);
    expect(cameras[0].busy).toBeNull();
    expect((await appliance.ask('/shot')).status).toBe(404);
  });
});
