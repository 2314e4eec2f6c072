/** Foreign words (PostgreSQL's, users') made fit for the places they are shown in. */

/** Control characters, line and paragraph separators, and marks that turn the direction of text around. */
const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** One line without anything that moves a cursor, at most `limit` characters. */
export function plain(text: string, limit: number): string {
  const line = text.toWellFormed().replace(unprintable, ' ').replace(/ {2,}/g, ' ').trim();
  return clip(line, limit);
}

/** The same for a line whose spaces are its layout. */
export function plainLine(text: string, limit: number): string {
  return clip(text.toWellFormed().replace(unprintable, '?'), limit);
}

/** The beginning of a text that is too long. */
export function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 3).toWellFormed()}...`;
}

/** As a mail's subject: printable ASCII only. */
export function ascii(text: string, limit: number): string {
  return clip(plain(text, Number.POSITIVE_INFINITY).replace(/[^ -~]/gu, '?'), limit);
}

/**
 * For Slack's and Teams' markup: `<`, `>` and `&` start mentions and links, backticks end code, and a mention of
 * everybody is broken even where it is written without brackets.
 */
export function chatText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('`', "'")
    .replace(/@(?=channel|here|everyone)/gi, '@\u200b');
}
