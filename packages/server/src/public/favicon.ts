import { readFileSync } from "node:fs";

/** 64 × 64 PNG: a node in the middle of four others. */
export const favicon: Uint8Array<ArrayBuffer> = Uint8Array.from(
  readFileSync(new URL("./favicon.png", import.meta.url)),
);
