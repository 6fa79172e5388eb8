import type { PolicyId, TailnetId, UserId } from "#world/ids.ts";

/** One text of a tailnet's policy; the newest revision is in force. */
export interface PolicyRevision {
  readonly id: PolicyId;
  readonly tailnet: TailnetId;
  readonly text: string;
  readonly createdAt: number;
}

/** A closed group of users and nodes, called a namespace by the CLI. `name` is a DNS label, unique on the server. */
export interface Tailnet {
  readonly id: TailnetId;
  readonly name: string;
  readonly defaultOwner?: UserId;
  readonly createdAt: number;
}
