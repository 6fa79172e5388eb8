import { buildClients } from "./clients/build.ts";
import { buildPebble } from "./pebble/pebble.ts";

// Everything in Go that the tests run: some minutes with an empty cache, a second afterwards.
await buildClients();
await buildPebble();
