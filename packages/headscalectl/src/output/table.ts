import stringWidth from "string-width";

/** One column: its heading and what a row shows in it. Wide ones are left out unless asked for. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly wide?: boolean;
}

const gap = "   ";

/** Rows in aligned columns below their headings, without a trailing space or line break. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], wide = false): string {
  const shown = columns.filter((column) => wide || column.wide !== true);
  const lines = [shown.map(({ head }) => head), ...rows.map((row) => shown.map(({ cell }) => plain(cell(row)) || "-"))];
  const widths = shown.map((_, index) => Math.max(...lines.map((line) => stringWidth(line[index] ?? ""))));
  return lines
    .map((line) =>
      line
        .map((cell, index) => pad(cell, widths[index] ?? 0))
        .join(gap)
        .trimEnd(),
    )
    .join("\n");
}

/** One line of rows that come one by one: columns of fixed widths, which a longer cell pushes aside. */
export function row(cells: readonly (readonly [text: string, width: number])[]): string {
  return cells
    .map(([text, width]) => pad(plain(text) || "-", width))
    .join(gap)
    .trimEnd();
}

/** Names come from devices that anybody runs: their control characters may not reach the terminal. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu, "\ufffd");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - stringWidth(text)));
}
