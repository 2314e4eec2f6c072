/** Number of single-character edits (insert, delete, replace) between two words: Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...b].entries()) {
      const [diagonal = 0, above = 0, before = 0] = [row[j], row[j + 1], next[j]];
      next.push(Math.min(above + 1, before + 1, diagonal + (left === right ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The candidate that `word` is most likely a slip of, if any is close: case aside, at most a third of it differs. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  const normal = (text: string) => text.toLowerCase().replace(/[_-]/g, '');
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(normal(word), normal(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}
