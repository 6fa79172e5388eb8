import type { Addr } from "@headscale/netip";
import { addrFamily, type Prefix, tryParseAddr } from "@headscale/netip";
import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import {
  defaultTailnetId,
  isLabel,
  labelOf,
  type Node,
  type NodeId,
  type NodeOwner,
  type PreAuthKey,
  type PreAuthKeyId,
  type Presence,
  type RegisterMethod,
  type UserId,
  uniqueLabel,
} from "@headscale/tailnet";
import type { Row } from "#fields/row.ts";
import type { Remarks } from "../remark.ts";
import { keyText } from "./key-text.ts";

export interface NodeSource {
  readonly rows: readonly Row[];
  readonly userIds: ReadonlySet<UserId>;
  readonly authKeys: ReadonlyMap<PreAuthKeyId, PreAuthKey>;
  approvedRoutes(row: Row): readonly Prefix[];
  presence(row: Row): Presence;
  /** Whether the policy lets this user carry the tag: up to 0.27 nodes carried what they asked for and might have. */
  mayTag(user: UserId, tag: string): boolean;
}

/** Nodes under their old ids, so that clients that chose one as their exit node find it again. */
export function convertNodes(source: NodeSource, now: number, remark: Remarks): readonly Node[] {
  const taken: Taken = { nodeKeys: new Set(), names: new Set(), addresses: new Set() };
  return source.rows.flatMap((row): readonly Node[] => {
    const about = `node ${row.id}`;
    const nodeKey = row.parse("node_key", (text) => NodeKey.parse(keyText("nodekey", text)));
    const owner = ownerOf(row, source);
    if (!owner || taken.nodeKeys.has(nodeKey)) {
      remark(about, `is left out: ${owner ? "another node has its key" : "it belongs to no user and carries no tag"}`);
      return [];
    }
    taken.nodeKeys.add(nodeKey);
    const key = authKeyOf(row, source);
    const expiry = owner.kind === "tags" ? undefined : row.moment("expiry");
    return [
      {
        id: row.id as NodeId,
        tailnet: defaultTailnetId,
        machineKey: row.parse("machine_key", (text) => MachineKey.parse(keyText("mkey", text))),
        nodeKey,
        ...naming(row, taken, remark),
        owner,
        ...addressesOf(row, taken, remark),
        ...(expiry !== undefined && { expiry }),
        ephemeral: key?.ephemeral ?? false,
        registerMethod: methodOf(row),
        ...(key && { authKeyId: key.id }),
        approvedRoutes: source.approvedRoutes(row),
        createdAt: row.moment("created_at") ?? now,
      },
    ];
  });
}

interface Taken {
  readonly nodeKeys: Set<string>;
  readonly names: Set<string>;
  readonly addresses: Set<Addr>;
}

function authKeyOf(row: Row, source: NodeSource): PreAuthKey | undefined {
  return source.authKeys.get((row.reference("auth_key_id") ?? 0) as PreAuthKeyId);
}

/**
 * Tags before the user. A node of 0.29.0 may have lost its user to a migration that was mended in 0.29.1: its pre-auth key
 * still knows. Source: headscale f20f1f12 hscontrol/db/db.go 202606181200-recover-null-tags-node-user-id.
 */
function ownerOf(row: Row, source: NodeSource): NodeOwner | undefined {
  const userId = [row.reference("user_id", "namespace_id") as UserId | undefined, authKeyOf(row, source)?.userId].find(
    (id) => id !== undefined && source.userIds.has(id),
  );
  const asked = source.presence(row).hostinfo.RequestTags ?? [];
  const allowed = userId === undefined ? [] : asked.filter((tag) => source.mayTag(userId, tag));
  const tags = [...new Set([...row.list("tags", "forced_tags"), ...allowed])].filter((tag) => tag.startsWith("tag:"));
  if (tags.length > 0) return { kind: "tags", tags: tags.sort() };
  return userId === undefined ? undefined : { kind: "user", userId };
}

/** The name in DNS stays what it was; one that the host name does not lead to was chosen by somebody. */
function naming(row: Row, taken: Taken, remark: Remarks): Pick<Node, "hostname" | "name" | "renamed"> {
  const hostname = row.text("hostname") || row.text("given_name") || "node";
  const given = row.text("given_name").toLowerCase();
  const wanted = isLabel(given) ? given : labelOf(given || hostname);
  const name = uniqueLabel(wanted, (label) => taken.names.has(label));
  taken.names.add(name);
  if (given !== "" && name !== given)
    remark(`node ${row.id}`, `is called ${name} now: names are DNS labels, and unique`);
  return { hostname, name, renamed: name !== labelOf(hostname) };
}

/** Two columns since 0.24, one list with commas before; the first of each family counts. */
function addressesOf(row: Row, taken: Taken, remark: Remarks): Pick<Node, "ipv4" | "ipv6"> {
  const texts = [row.text("ipv4"), row.text("ipv6"), ...row.text("ip_addresses").split(",")];
  const found: { ipv4?: Addr; ipv6?: Addr } = {};
  for (const addr of texts.map((text) => tryParseAddr(text.trim())).filter((addr) => addr !== undefined)) {
    const family = addrFamily(addr) === 4 ? "ipv4" : "ipv6";
    if (found[family] !== undefined) continue;
    if (taken.addresses.has(addr)) remark(`node ${row.id}`, "shares an address with another node and loses it");
    else found[family] = addr;
    taken.addresses.add(addr);
  }
  if (!found.ipv4 && !found.ipv6) {
    remark(`node ${row.id}`, "has no address: `headscalectl nodes backfillips` gives it one");
  }
  return found;
}

function methodOf(row: Row): RegisterMethod {
  const method = row.text("register_method").toLowerCase();
  return method === "authkey" || method === "oidc" ? method : "cli";
}
