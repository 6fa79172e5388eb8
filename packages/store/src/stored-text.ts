/** Data link escape: no text that people or machines write holds it. */
const mark = "\u0010";
/** What a database's UTF-8 text cannot hold (PostgreSQL refuses NUL, both lose lone surrogates), and the mark itself. */
const unstorable = new RegExp(`[\u0000${mark}]|\\p{Surrogate}`, "gu");
const marked = new RegExp(`${mark}([0-9a-f]{4})`, "g");

/** Any string as text that every database keeps; ordinary text stays as it is. */
export function encodeStoredText(text: string): string {
  return text.replace(unstorable, (char) => `${mark}${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The inverse of `encodeStoredText`. */
export function decodeStoredText(stored: string): string {
  return stored.replace(marked, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
