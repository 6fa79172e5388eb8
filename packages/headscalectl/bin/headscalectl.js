#!/usr/bin/env node
// Plain JavaScript, so that an older Node gets as far as saying what is wrong.
import * as nodeModule from "node:module";

if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(`headscalectl needs Node.js 24 or newer, this is ${process.version}.`);
  process.exit(1);
}
// Commands start in half the time. Not in Node's own choice of folder, a temporary one that others may write to.
const { HOME, XDG_CACHE_HOME = HOME && `${HOME}/.cache` } = process.env;
if (XDG_CACHE_HOME) nodeModule.enableCompileCache(`${XDG_CACHE_HOME}/headscalectl`);

const { main } = await import("../src/main.ts");
process.exitCode = await main(process.argv.slice(2));
