#!/usr/bin/env node
// Plain JavaScript, so that an older Node gets as far as saying what is wrong.
if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(`headscale needs Node.js 24 or newer, this is ${process.version}.`);
  process.exit(1);
}
await import("../src/main.ts");
