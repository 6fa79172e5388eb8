import type { Change } from "@headscale/gen/headscale/v1/change_pb.ts";
import type { Column } from "#output/table.ts";
import { absolute } from "#output/when.ts";

/** How a change is shown: the columns of the audit log, which a watch prints line by line at their usual widths. */
export const changeColumns: readonly (Column<Change> & { readonly width: number })[] = [
  { head: "TIME", width: 19, cell: ({ time }) => absolute(time) },
  { head: "REV", width: 5, cell: ({ revision }) => String(revision) },
  { head: "KIND", width: 20, cell: ({ kind }) => kind },
  { head: "SUBJECT", width: 10, cell: ({ subject }) => subject },
  { head: "ACTOR", width: 20, cell: ({ actor }) => actor },
  { head: "SUMMARY", width: 0, cell: ({ summary }) => summary },
];

export const namespaceColumn = { head: "NAMESPACE", width: 12, cell: ({ tailnet }: Change) => tailnet } as const;
