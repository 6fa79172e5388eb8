import { defaultTailnetId, type User, type UserId } from "@headscale/tailnet";
import type { Row } from "#fields/row.ts";
import type { Remarks } from "../remark.ts";

/** Users under their old ids; the first becomes the owner, as on a fresh server. */
export function convertUsers(rows: readonly Row[], now: number, remark: Remarks): readonly User[] {
  const names = new Set<string>();
  const providerIds = new Set<string>();
  return rows.map((row, index): User => {
    const providerId = uniqueProvider(row, providerIds, remark);
    const name = row.text("name");
    return {
      id: row.id as UserId,
      tailnet: defaultTailnetId,
      name: providerId === "" ? uniqueName(row, name, names, remark) : name,
      displayName: row.text("display_name"),
      email: row.text("email"),
      providerId,
      provider: providerId === "" ? "" : row.text("provider") || "oidc",
      profilePicUrl: row.text("profile_pic_url"),
      role: index === 0 ? "owner" : "member",
      createdAt: row.moment("created_at") ?? now,
    };
  });
}

/** `iss/sub`; versions before 0.26 could write double slashes into it. Source: headscale f20f1f12 hscontrol/types/users.go CleanIdentifier. */
function uniqueProvider(row: Row, taken: Set<string>, remark: Remarks): string {
  const [, scheme = "", rest = ""] = /^([a-z]+:\/\/)?(.*)$/s.exec(row.text("provider_identifier").trim()) ?? [];
  const id = `${scheme}${rest.replace(/\/{2,}/g, "/")}`;
  if (id === "" || !taken.has(id)) {
    if (id !== "") taken.add(id);
    return id;
  }
  remark(`user ${row.id}`, "has the same identity at the provider as another user: it becomes a local user");
  return "";
}

function uniqueName(row: Row, name: string, taken: Set<string>, remark: Remarks): string {
  let unique = name || `user-${row.id}`;
  if (taken.has(unique)) unique = `${unique}-${row.id}`;
  if (unique !== name) remark(`user ${row.id}`, `is called ${unique} now: a local user needs a name of its own`);
  taken.add(unique);
  return unique;
}
