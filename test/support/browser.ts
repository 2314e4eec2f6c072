/** A headless browser for tests of the dashboard page. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../../local/prerequisites/system-packages.mjs';

const program = findBrowser();

/** For `describe.skipIf`. */
export const noBrowser = program === undefined;

/** A title that says why its tests are skipped, where they are. */
export const titledForBrowser = (title: string) =>
  noBrowser ? `${title} (skipped: no Chromium on this machine; install the package chromium)` : title;

/** Starts the browser; it talks to nobody but the page. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: program ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** How a page is looked at. */
export interface Look {
  readonly name: string;
  readonly width: number;
  readonly scheme: 'light' | 'dark';
}

/** Opens the page and notes what goes wrong in it: errors, and requests to anybody else. */
export async function openPage(browser: Browser, url: string, { width, scheme }: Look) {
  const page = await browser.newPage({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    deviceScaleFactor: width < 600 ? 2 : 1,
    timezoneId: 'UTC',
    locale: 'en-GB',
  });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !asked.startsWith('data:')) complaints.push(`request to ${asked}`);
  });
  await page.goto(url);
  await page.locator('[data-status]').first().waitFor();
  return { page, complaints };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly {
    id: string;
    help: string;
    nodes: readonly { html: string; failureSummary?: string }[];
  }[];
}

/** What keeps people from reading the page as it is, by the rules of WCAG 2.2 up to AA; contrast is among them. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // In the page's own world its policy would refuse a foreign script; evaluate is not bound by that.
  await page.evaluate(axe);
  const { violations } = (await page.evaluate(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  )) as AxeResults;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary}`),
  );
}

/** Pixels by which the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'));
}

/** Keeps a picture of the whole page, if the variable SCREENSHOTS names a directory. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (directory === undefined || directory === '') return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
}
