/** One line of a CSV file as RFC 4180 has it. Null is an empty cell, and the only one. */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

function quoted(cell: string | null): string {
  if (cell === null) return '';
  return cell === '' || /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * Text that somebody else chose, for a file that will be opened in a spreadsheet: what would be read as a formula there
 * gets an apostrophe in front (OWASP, CSV injection).
 */
export function plainText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
