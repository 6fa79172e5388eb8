#!/usr/bin/env node
// Plain JavaScript, so that an older Node gets as far as saying what is wrong.
import * as nodeModule from "node:module";

if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(`headscale needs Node.js 24 or newer, this is ${process.version}.`);
  process.exit(1);
}
// Starts sooner and keeps less in memory. Not in Node's own choice of folder, a temporary one that others may write to.
const { HOME, XDG_CACHE_HOME = HOME && `${HOME}/.cache` } = process.env;
if (XDG_CACHE_HOME) nodeModule.enableCompileCache(`${XDG_CACHE_HOME}/headscale`);

await import("../src/main.ts");
