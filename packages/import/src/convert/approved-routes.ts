import { type Prefix, tryParsePrefix } from "@headscale/netip";
import { approvedSet } from "@headscale/tailnet";
import type { Row } from "#fields/row.ts";
import type { Remarks } from "../remark.ts";

/** The routes that each node may serve: a column of the node's since 0.26, before that the enabled rows of `routes`. */
export function approvedRoutesOf(routes: readonly Row[], remark: Remarks): (node: Row) => readonly Prefix[] {
  const enabled = Map.groupBy(
    routes.filter((row) => row.flag("enabled")),
    (row) => row.reference("node_id", "machine_id"),
  );
  return (node) => {
    const texts = [...node.list("approved_routes"), ...(enabled.get(node.id) ?? []).map((row) => row.text("prefix"))];
    return approvedSet(
      texts.flatMap((text) => {
        const prefix = tryParsePrefix(text);
        if (prefix === undefined) remark(`node ${node.id}`, "had an approved route that is no prefix; it is left out");
        return prefix ?? [];
      }),
    );
  };
}
