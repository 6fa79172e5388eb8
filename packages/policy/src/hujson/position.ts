/** Line and column, both from 1, of a string index. */
export function positionAt(text: string, index: number): { line: number; column: number } {
  const before = text.slice(0, index);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let at = before.indexOf("\n"); at >= 0; at = before.indexOf("\n", at + 1)) line += 1;
  return { line, column: Array.from(before.slice(lineStart)).length + 1 };
}

/** Number of UTF-8 bytes before a string index. */
export function byteOffsetAt(text: string, index: number): number {
  return new TextEncoder().encode(text.slice(0, index)).length;
}
