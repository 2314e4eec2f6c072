/** The dashboard page in a browser, while the cluster behind it is set up, breaks and recovers. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, stopPostgres } from '../../local/client/host-power.ts';
import { nodeNamed } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import {
  accessibilityProblems,
  keepPicture,
  type Look,
  noBrowser,
  openPage,
  overflow,
  startBrowser,
  titledForBrowser,
} from '../support/browser.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;
const looks: readonly Look[] = [
  { name: 'light', width: 1280, scheme: 'light' },
  { name: 'dark', width: 1280, scheme: 'dark' },
  { name: 'phone', width: 360, scheme: 'light' },
];

describe.skipIf(noBrowser)(titledForBrowser('the dashboard page'), () => {
  let runtime: LocalRuntime;
  let browser: Browser;
  /** Open all the time: it has to follow by itself. */
  let page: Page;
  let complaints: readonly string[];

  const node = (name: string) => nodeNamed(runtime.cluster, name);
  const stop = (name: string) => stopPostgres(runtime.cluster, node(name));
  const start = (name: string) => startPostgres(runtime.cluster, node(name));
  const status = (words: string, seconds = 20) =>
    page.locator('h2', { hasText: words }).waitFor({ timeout: seconds * 1000 });
  const card = (name: string) => page.locator(`[data-node="${name}"]`);
  const words = async (name: string) => (await card(name).innerText()).replace(/\s+/g, ' ');

  /**
   * The page in each look: nothing illegible, nothing wider than the window, nothing to complain about. In some looks
   * a picture of it is kept, for the documentation.
   */
  async function expectLegible(state: string, pictures: readonly string[] = []): Promise<void> {
    for (const look of looks) {
      const opened = await openPage(browser, runtime.endpoint, look);
      if (pictures.includes(look.name)) await keepPicture(opened.page, `dashboard-${state}-${look.name}`);
      expect(await accessibilityProblems(opened.page), `${state}, ${look.name}`).toEqual([]);
      expect(await overflow(opened.page), `${state}, ${look.name}`).toBe(0);
      expect(opened.complaints, `${state}, ${look.name}`).toEqual([]);
      await opened.page.close();
    }
  }

  beforeAll(async () => {
    const cluster = notesCluster();
    const clusters = [{ ...cluster, monitoring: { checkIntervalSeconds: 5 } }];
    [runtime, browser] = await Promise.all([LocalRuntime.start({ clusters }), startBrowser()]);
    ({ page, complaints } = await openPage(browser, runtime.endpoint, looks[0] as Look));
  });

  afterAll(async () => {
    await browser?.close();
    await runtime?.[Symbol.asyncDispose]();
  });

  it('is where the runtime says', () => {
    expect(runtime.output).toContain(`Dashboard: ${runtime.endpoint}/`);
  });

  it('lets nothing in from elsewhere, and leaves AWS clients alone', async () => {
    const fetched = await fetch(runtime.endpoint, { headers: { accept: 'text/html' } });
    expect(fetched.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect((await fetch(runtime.endpoint, { headers: { accept: '*/*' } })).status).toBe(403);
  });

  it('shows a cluster that is not set up, and the command that does it, as it is typed here', async () => {
    await status('Not set up');
    await page.getByRole('button', { name: 'Show the command' }).first().press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    expect(await dialog.locator('pre').innerText()).toMatch(
      new RegExp(`^aws --endpoint-url ${runtime.endpoint} stepfunctions start-execution .*pg-sync-setup --input '{}'$`),
    );
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'hidden' });
  });

  it('shows a runbook while it runs, and that it holds the lock', async () => {
    const setUp = runRunbook(runtime.clients, 'pg-sync', 'setup', 240);
    await page.getByText(/^setup runs since/).waitFor({ timeout: 20_000 });
    await page.getByText('setup holds the cluster’s lock').waitFor();
    expect(await setUp).toMatchObject({ status: 'SUCCEEDED' });
    await page.getByText('Nobody holds the cluster’s lock').waitFor({ timeout: 20_000 });
  });

  it('shows every node with its role, its state and what commits wait for', async () => {
    await status('Healthy');
    expect(await words(master)).toMatch(/^Primary pg_sync_master .*accepts writes/);
    expect(await words(slave01)).toMatch(/^Standby sync pg_sync_slave01 .*streaming, nothing behind/);
    expect(await words(slave02)).toMatch(/^Standby potential pg_sync_slave02 .*streaming, nothing behind/);
    const rows = await page.locator('tbody tr').allInnerTexts();
    expect(rows.map((row) => row.split('\t').slice(0, 4))).toEqual([
      [slave01, expect.any(String), 'streaming', 'sync'],
      [slave02, expect.any(String), 'streaming', 'potential'],
    ]);
    expect(await page.title()).toBe('Healthy – pg-sync');
    await expectLegible('healthy', ['light']);
  });

  it('changes by itself when the synchronous standby stops, where one reads and types', async () => {
    const button = page.getByRole('button', { name: 'Show the command' }).last();
    await button.focus();
    await page.evaluate('scrollTo(0, 150)');
    await stop(slave01);
    await status('Degraded');
    await page.getByText(/^Incident pg-sync-/).waitFor({ timeout: 20_000 });
    expect(await words(slave01)).toMatch(/nothing listens on its port/);
    expect(await words(slave02)).toMatch(/^Standby sync pg_sync_slave02/);
    expect(await page.locator('.steps').innerText()).toContain('rejoin');
    expect(await page.evaluate('document.activeElement.outerHTML')).toMatch(/^<button/);
    expect(await page.evaluate('scrollY')).toBeGreaterThan(100);
    await expectLegible('degraded', ['light', 'dark']);
  });

  it('says that writes are blocked when no standby is left', async () => {
    await stop(slave02);
    await status('Writes blocked');
    expect(await words(master)).toMatch(/commits wait for a standby/);
    await page.getByText('No standby is connected.').waitFor();
    await page.getByText(/^Critical: /).waitFor();
    await expectLegible('writes-blocked', ['phone']);
    await Promise.all([start(slave01), start(slave02)]);
    await status('Healthy');
  });

  it('says that the primary is down, and how far each standby is', async () => {
    await stop(master);
    await status('Primary down');
    expect(await words(slave01)).toMatch(/receives nothing .*received up to [0-9A-F]+\/[0-9A-F]+/);
    await expectLegible('primary-down');
    await start(master);
    await status('Healthy', 40);
  });

  it('has nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });

  it('says when the runtime does not answer any more, and keeps what it showed', async () => {
    await runtime.stop();
    await page.getByText(/^The runtime does not answer/).waitFor({ timeout: 10_000 });
    await pause(100);
    expect(await words(master)).toContain('accepts writes');
  });
});
