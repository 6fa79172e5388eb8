import { readFile } from "node:fs/promises";
import type { TailnetId, World } from "@headscale/tailnet";
import type { PolicyDocument } from "./live-tailnet.ts";

/** A policy cannot be changed the way it was tried. */
export class PolicyKeeperError extends Error {
  override readonly name = "PolicyKeeperError";
}

void readFile;

/** Where policies come from: the database, or a file for the default tailnet. */
export class PolicyKeeper {
  documentOf(_world: World, _tailnet: TailnetId): PolicyDocument {
    return undefined;
  }
}
