/**
 * A JSON object as Go's encoding/json reads it into a struct: names match in any case, null leaves the default,
 * unknown names are ignored. Undefined if `text` is not such an object.
 */
export function jsonFields(text: string): ReadonlyMap<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]));
}
