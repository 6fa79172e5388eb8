/** A compiled `google.api.http` path such as `/api/v1/user/{old_id}/rename/{new_name}`. */
export interface PathTemplate {
  readonly text: string;
  /** Proto names of the fields that the path binds, in order. */
  readonly fields: readonly string[];
  /** How many segments are fixed: of two templates that match a path, the one with more is meant. */
  readonly literals: number;
  /** The fields' values, still percent-encoded; `undefined` when the path is another. */
  match(path: string): ReadonlyMap<string, string> | undefined;
}

/**
 * Understands fixed segments and `{field}`, which stands for one segment: all that the contract uses of the syntax in
 * google/api/http.proto.
 * @throws {Error} on the rest of that syntax, when routes are built and not when they are asked for.
 */
export function parsePathTemplate(text: string): PathTemplate {
  const segments = text.split("/").slice(1);
  const fields: string[] = [];
  const pattern = segments.map((segment) => {
    const field = /^\{([\w.]+)\}$/.exec(segment)?.[1];
    if (field !== undefined) {
      fields.push(field);
      return "([^/]+)";
    }
    if (!/^[\w.-]+$/.test(segment)) throw new Error(`path template ${text}: unsupported segment "${segment}"`);
    return segment.replaceAll(".", "\\.");
  });
  const regExp = new RegExp(`^/${pattern.join("/")}$`);
  return {
    text,
    fields,
    literals: segments.length - fields.length,
    match(path) {
      const found = regExp.exec(path);
      return found === null ? undefined : new Map(fields.map((field, index) => [field, found[index + 1] ?? ""]));
    },
  };
}
