import Table from 'cli-table3';

/** Prints a table: words as they are, numbers to the right with so many digits after the point. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[], digits = 1): void {
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) {
    table.push(
      row.map((cell) =>
        typeof cell === 'string' ? cell : { hAlign: 'right' as const, content: cell.toFixed(digits) },
      ),
    );
  }
  console.log(`${table}\n`);
}
