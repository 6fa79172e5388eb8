import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { OpenApiDocument, Operation } from "./openapi.ts";

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const style = `
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  td { padding: .15rem 1rem .15rem 0; vertical-align: top }
  td:first-child { white-space: nowrap }
  code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
  small { opacity: .75 }
`;

/** The OpenAPI document for people: a plain page, no script, nothing from elsewhere. */
export function docsPage(document: OpenApiDocument): Html {
  const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ path, verb, operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  const section = (tag: string) =>
    html`<h2>${tag}</h2><table>${operations
      .filter(({ operation }) => operation.tags.includes(tag))
      .map(({ path, verb, operation }) => row(path, verb, operation))}</table>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info.title}</title>
<style>${raw(style)}</style>
</head>
<body>
<h1>${document.info.title}</h1>
<p>${document.info.description.replaceAll("`", "")}</p>
<p>Send an API key as <code>Authorization: Bearer KEY</code>. Machines read <a href="openapi.json">openapi.json</a>.</p>
${tags.map(section)}
</body>
</html>
`;
}

function row(path: string, verb: string, operation: Operation): Html {
  const query = operation.parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  const said = [
    ...(query.length > 0 ? [`query: ${query.join(", ")}`] : []),
    ...(operation.requestBody === undefined ? [] : ["JSON body"]),
  ].join("; ");
  return html`<tr><td><code>${verb.toUpperCase()}</code></td><td><code>${path}</code></td><td>${operation.summary}<br><small>${said}</small></td></tr>`;
}
