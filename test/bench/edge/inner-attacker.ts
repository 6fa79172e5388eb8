/** A hostile client in a process of its own, told what to do by the environment variable ORDERS. */
import { handshakes } from "./attacks/handshakes.ts";
import { machine } from "./attacks/machine.ts";
import { outer } from "./attacks/outer.ts";
import { streams } from "./attacks/streams.ts";
import { Hostile, type Orders } from "./hostile.ts";

const orders: Orders = JSON.parse(process.env.ORDERS ?? "");
const attack = { ...handshakes, ...streams, ...machine, ...outer }[orders.name];
if (!attack) throw new Error(`no such attack: ${orders.name}`);
const hostile = new Hostile(orders);
setTimeout(end, orders.forMs + 500);
await attack(hostile);
end();

function end(): void {
  process.exit(0);
}
