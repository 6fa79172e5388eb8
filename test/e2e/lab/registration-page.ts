/**
 * The command that a login's page tells the administrator to run, as the browser would show it.
 *
 * @throws {Error} when the page shows none.
 */
export function commandOn(page: string, verb: "register" | "approve" = "register"): string {
  const shown = [...page.matchAll(/<(code|pre)\b[^>]*>(.*?)<\/\1>/gs)].map(([, , html = ""]) => textOf(html));
  const command = shown.find((text) => text.includes(` ${verb} `));
  if (command === undefined) throw new Error(`no command on the page:\n${page}`);
  return command;
}

const entities: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&amp;": "&",
};

function textOf(html: string): string {
  const text = html.replace(/<[^>]*>/g, "");
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity] ?? entity).trim();
}
