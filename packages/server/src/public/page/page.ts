import { createHash } from "node:crypto";
import type { Context } from "hono";
import { html, raw } from "hono/html";
import { pageScript } from "./script.ts";
import { pageStyle } from "./style.ts";

/** A piece of HTML whose inserted texts are escaped. */
export type Markup = ReturnType<typeof html>;

const hashSource = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing from elsewhere, no frames, and of inline code only the two texts of this folder. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src ${hashSource(pageStyle)}`,
  `script-src ${hashSource(pageScript)}`,
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Answers with a whole page. `body` goes into `<main>`. */
export async function answerPage(
  context: Context,
  page: { readonly title: string; readonly body: Markup },
  status: 200 | 400 | 401 | 403 | 404 | 410 | 500 | 502 | 503 = 200,
): Promise<Response> {
  const document = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${page.title} – headscale</title>
<link rel="icon" href="/favicon.ico" type="image/png">
<style>${raw(pageStyle)}</style>
</head>
<body>
<header><img src="/favicon.ico" alt="">headscale</header>
<main>
${page.body}
</main>
<script>${raw(pageScript)}</script>
</body>
</html>
`;
  context.header("Content-Security-Policy", contentSecurityPolicy);
  context.header("Cache-Control", "no-store");
  return context.html(document, status);
}

/** A command to be typed elsewhere, with a button that copies it. Lines break between words: a torn option is hard to read. */
export function commandBox(command: string): Markup {
  const words = command.split(" ").map((word, index) => html`${index === 0 ? "" : " "}<span>${word}</span>`);
  return html`<div class="command"><code>${words}</code><button type="button" hidden>Copy</button></div>`;
}
