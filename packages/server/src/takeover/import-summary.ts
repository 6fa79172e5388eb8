import type { ImportReport } from "./import-database.ts";

/** What a person reads after an import. */
export function importSummary(report: ImportReport, dryRun: boolean): string {
  const { users, nodes, authKeys, apiKeys, policy, remarks } = report.imported;
  const counts = [
    counted(users.length, "user"),
    counted(nodes.length, "node"),
    counted(authKeys.length, "pre-auth key"),
    counted(apiKeys.length, "API key"),
    ...(policy ? ["the policy"] : []),
  ];
  const lines = [
    `${dryRun ? "Would import" : "Imported"} ${counts.slice(0, -1).join(", ")} and ${counts.at(-1)}.`,
    ...remarks.map(({ about, says }) => `  ${about} ${says}`),
  ];
  if (report.policyProblem !== undefined) {
    lines.push(
      "",
      "The policy does not hold here; until it is mended, nobody may talk to anybody:",
      report.policyProblem,
    );
  }
  if (!report.hasNoiseKey) {
    lines.push(
      "",
      "The old server's Noise key is not here: without it every client has to log in again.",
      "Give its file (noise_private.key) with --noise-key, or copy it to where noise.private_key_path points.",
    );
  }
  if (report.keptAs !== undefined) lines.push("", `The old database is kept as ${report.keptAs}.`);
  return `${lines.join("\n")}\n`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
