import type { Prefix } from "@headscale/netip";
import type { Hostinfo } from "@headscale/tailcfg";
import { type Command, Draft } from "#change/decide.ts";
import { assertMoment } from "#change/moment.ts";
import { fqdnOf, suffixOf } from "#names/fqdn.ts";
import { isLabel, maxDomainLength } from "#names/hostname.ts";
import { approvedSet } from "#routes/routes.ts";
import { TailnetError } from "#tailnet-error.ts";
import type { NodeId } from "#world/ids.ts";
import { scopedName, type World } from "#world/world.ts";
import { announcedRoutes, renamedByHost, withAutoApproved } from "./enrol.ts";
import type { Node } from "./node.ts";

/** @throws {TailnetError} "node-not-found" */
export function nodeIn(world: World, id: NodeId): Node {
  const node = world.nodes.get(id);
  if (!node) throw new TailnetError("node-not-found", `node ${id} not found`);
  return node;
}

function sameRoutes(a: readonly Prefix[], b: readonly Prefix[]): boolean {
  return a.length === b.length && a.every((prefix, i) => prefix === b[i]);
}

/** Gives the node a label of an administrator's choice, exactly as written. @throws {TailnetError} */
export function renameNode(id: NodeId, name: string): Command<Node> {
  return (world, given) => {
    const node = nodeIn(world, id);
    if (!isLabel(name)) {
      throw new TailnetError(
        "name-invalid",
        `"${name.slice(0, 64)}" is not a DNS label: use up to 63 lower-case letters, digits and inner hyphens`,
      );
    }
    const tailnet = world.tailnets.get(node.tailnet);
    const fqdn = tailnet ? fqdnOf(name, suffixOf(tailnet, given.settings.baseDomain)) : name;
    if (fqdn.length > maxDomainLength)
      throw new TailnetError("name-invalid", `the full name would be longer than ${maxDomainLength} characters`);
    const holder = world.index.nodeByName.get(scopedName(node.tailnet, name));
    if (holder !== undefined && holder !== id)
      throw new TailnetError("name-taken", `the name "${name}" is taken by node ${holder}`);
    const draft = new Draft(world);
    if (node.name === name && node.renamed) return draft.decision(node);
    return draft.decision(draft.node("node-renamed", { ...node, name, renamed: true }));
  };
}

/** As policies may define them. Source: tailscale tailcfg/tailcfg.go@de9ec7ee CheckTag; dots as the policy syntax has them. */
const tagForm = /^tag:[A-Za-z][A-Za-z0-9.-]*$/;

/** Sorted, unique tags. @throws {TailnetError} "tag-invalid" */
export function parseTags(tags: readonly string[]): readonly string[] {
  const bad = tags.find((tag) => !tagForm.test(tag));
  if (bad !== undefined) {
    throw new TailnetError(
      "tag-invalid",
      `"${bad.slice(0, 64)}" is not a tag: write tag: and letters, digits, dots and hyphens, a letter first`,
    );
  }
  return [...new Set(tags)].sort();
}

/** Hands the node over to its tags; a tagged node has no user and its key does not expire. @throws {TailnetError} */
export function setTags(id: NodeId, tags: readonly string[]): Command<Node> {
  return (world, given) => {
    const node = nodeIn(world, id);
    const wanted = parseTags(tags);
    if (wanted.length === 0)
      throw new TailnetError(
        "tag-invalid",
        "a node keeps at least one tag: the owner can take it back by logging in again",
      );
    const policy = given.policy(node.tailnet);
    const undefinedTag = wanted.find((tag) => !policy.isDefinedTag(tag));
    if (undefinedTag !== undefined) {
      throw new TailnetError(
        "tag-not-permitted",
        `requested tags [${undefinedTag}] are invalid or not permitted: define them under tagOwners in the policy`,
      );
    }
    const { expiry: _expiry, ...rest } = node;
    const draft = new Draft(world);
    return draft.decision(draft.node("node-tagged", { ...rest, owner: { kind: "tags", tags: wanted } }));
  };
}

/** Replaces the approved set; prefixes that are not announced yet may be approved in advance. @throws {TailnetError} */
export function setApprovedRoutes(id: NodeId, routes: readonly Prefix[]): Command<Node> {
  return (world) => {
    const node = nodeIn(world, id);
    const approvedRoutes = approvedSet(routes);
    const draft = new Draft(world);
    if (sameRoutes(node.approvedRoutes, approvedRoutes)) return draft.decision(node);
    return draft.decision(draft.node("routes-approved", { ...node, approvedRoutes }));
  };
}

/** Ends the node's key at `at` (ms since the epoch, undefined = now). @throws {TailnetError} */
export function expireNode(id: NodeId, at: number | undefined): Command<Node> {
  return (world, given) => {
    const draft = new Draft(world);
    const expiry = assertMoment(at ?? given.now, "expiry");
    const kind = expiry <= given.now ? "node-expired" : "node-expiry-set";
    return draft.decision(draft.node(kind, { ...nodeIn(world, id), expiry }));
  };
}

/** The node's key no longer expires. @throws {TailnetError} */
export function disableExpiry(id: NodeId): Command<Node> {
  return (world) => {
    const { expiry, ...node } = nodeIn(world, id);
    const draft = new Draft(world);
    return draft.decision(expiry === undefined ? node : draft.node("node-expiry-set", node));
  };
}

/** @throws {TailnetError} */
export function deleteNode(id: NodeId): Command<Node> {
  return (world) => {
    const node = nodeIn(world, id);
    const draft = new Draft(world);
    draft.add({ subject: "node", tailnet: node.tailnet, kind: "node-deleted", id, after: undefined });
    return draft.decision(node);
  };
}

/** What a client's Hostinfo changes durably: its hostname, and approvals that the policy grants to announced routes. */
export function reportHostinfo(id: NodeId, hostinfo: Hostinfo): Command<Node> {
  return (world, given) => {
    const node = nodeIn(world, id);
    const draft = new Draft(world);
    const named = { ...node, ...renamedByHost(world, node, hostinfo.Hostname) };
    const current = named.hostname === node.hostname ? node : draft.node("node-hostname-reported", named);
    const approved = withAutoApproved(given, current, { hostinfo });
    return draft.decision(approved === current ? current : draft.node("routes-auto-approved", approved));
  };
}

/** Approves what the policy approves by itself for every node of the list (after a policy change). */
export function autoApproveAll(ids: readonly NodeId[]): Command<number> {
  return (world, given) => {
    const draft = new Draft(world);
    let changed = 0;
    for (const id of ids) {
      const node = world.nodes.get(id);
      if (!node) continue;
      const approved = withAutoApproved(given, node, { hostinfo: given.presence(node).hostinfo });
      if (approved === node) continue;
      draft.node("routes-auto-approved", approved);
      changed++;
    }
    return draft.decision(changed);
  };
}

/** Whether `reportHostinfo` might decide anything; spares the queue the frequent reports that change nothing. */
export function concernsNode(node: Node, before: Hostinfo, after: Hostinfo): boolean {
  const hostname = after.Hostname ?? "";
  if (hostname !== "" && hostname !== node.hostname) return true;
  const [old, now] = [announcedRoutes(before), announcedRoutes(after)];
  return !sameRoutes(old, now);
}
