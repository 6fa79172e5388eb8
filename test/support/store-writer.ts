import type { Store } from "@headscale/store";
import { openAt } from "./store-matrix.ts";
import { base, Numbering, node, put } from "./store-samples.ts";

// A program of its own, to be killed: writes node after node, some at once, and says which are durable.

const store: Store = await openAt(JSON.parse(process.argv[2] ?? ""));
const numbering = new Numbering();
await store.commit(numbering.changes(...base()));
console.log("ready");

let next = 1;
async function writeForever(): Promise<void> {
  for (;;) {
    const id = next++;
    // Two changes each, to see whether one can be there without the other.
    await store.commit(numbering.changes(put.node(node(id)), put.node(node(id, { hostname: "second" }))));
    process.stdout.write(`${id}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, writeForever));
