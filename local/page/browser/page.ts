/**
 * In the browser: asks the runtime for every cluster's widget again and again and puts it in the place of the last one,
 * changing only what has changed, so that nothing flickers, scrolls or loses the focus. In the place of CloudWatch it
 * opens what a widget's buttons show.
 */
import { Idiomorph } from 'idiomorph';
import { showPopups } from './popups.ts';

const intervalMilliseconds = 2000;
/** A check may take a few seconds when nodes do not answer; longer, and the runtime itself is in trouble. */
const limitMilliseconds = 20_000;

interface Widget {
  readonly title: string;
  readonly html?: string;
  readonly problem?: string;
}

const dark = matchMedia('(prefers-color-scheme: dark)');

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

const place = element('widgets');
const liveness = element('liveness');
let answeredAt: Date | null = null;

async function ask(): Promise<Widget[]> {
  const query = new URLSearchParams({
    theme: dark.matches ? 'dark' : 'light',
    width: `${place.clientWidth}`,
    height: `${innerHeight}`,
    offset: `${-new Date().getTimezoneOffset()}`,
    zone: new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts().find(isZone)?.value ?? 'local',
  });
  const response = await fetch(`/_local/widgets?${query}`, { signal: AbortSignal.timeout(limitMilliseconds) });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return ((await response.json()) as { widgets: Widget[] }).widgets;
}

const isZone = ({ type }: Intl.DateTimeFormatPart) => type === 'timeZoneName';

/** The article of the n-th widget. */
function articleAt(index: number): HTMLElement {
  while (place.children.length <= index) place.append(document.createElement('article'));
  return place.children[index] as HTMLElement;
}

function show(widgets: readonly Widget[]): void {
  for (const [index, { title, html, problem }] of widgets.entries()) {
    const article = articleAt(index);
    article.classList.remove('stale');
    if (html === undefined) {
      const words = document.createElement('p');
      words.className = 'problem';
      words.textContent = `${title}: the widget's function failed: ${problem ?? 'no reason given'}`;
      article.replaceChildren(words);
    } else {
      Idiomorph.morph(article, html, { morphStyle: 'innerHTML' });
    }
  }
  while (place.children.length > widgets.length) place.lastElementChild?.remove();
  document.title = titleOf([...place.querySelectorAll<HTMLElement>('[data-status]')]);
}

/** The first cluster that is not healthy; visible in a tab that is in the background. */
function titleOf(clusters: readonly HTMLElement[]): string {
  const worst = clusters.find(({ dataset }) => dataset.status !== 'healthy') ?? clusters[0];
  return worst === undefined
    ? 'Local runtime'
    : `${worst.querySelector('h2')?.textContent} – ${worst.dataset.cluster ?? ''}`;
}

function say(words: string, lost: boolean): void {
  if (liveness.textContent !== words) liveness.textContent = words;
  liveness.classList.toggle('lost', lost);
  for (const article of place.children) article.classList.toggle('stale', lost);
}

async function refresh(): Promise<void> {
  try {
    show(await ask());
    answeredAt = new Date();
    say('Live', false);
  } catch (error) {
    const since = answeredAt === null ? '' : `; seen last at ${answeredAt.toLocaleTimeString()}`;
    say(`The runtime does not answer (${(error as Error).message})${since}`, true);
  }
}

let wake = () => {};
const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });

for (const [target, event] of [
  [dark, 'change'],
  [document, 'visibilitychange'],
  [window, 'resize'],
] as const) {
  target.addEventListener(event, () => wake());
}
showPopups(element('popup') as HTMLDialogElement, element('popup-content'), element('popup-close'));
for (;;) {
  if (!document.hidden) await refresh();
  await sleep(intervalMilliseconds);
}
