import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run } from "#command.ts";
import { CliError } from "#failure.ts";
import type { Commands } from "#flags.ts";
import type { Session } from "#session.ts";
import { placedIn } from "./policy-file.ts";
import { updated } from "./policy-set.ts";

const starter = `// Nobody may reach anybody until there is a rule.\n{\n\t"acls": [],\n}\n`;

export function editPolicy(commands: Commands, run: Run): void {
  commands.command(
    "edit",
    "Change the policy in force with $EDITOR; nothing happens if somebody else changes it meanwhile",
    (command) => command,
    run(async (session) => {
      const current = await inForce(session);
      const folder = await mkdtemp(join(tmpdir(), "headscalectl-"));
      const path = join(folder, "policy.hujson");
      await writeFile(path, current.policy);
      try {
        await untilTaken(session, path, current);
      } catch (error) {
        if (await isChanged(path, current.policy)) session.output.note(`Your text is kept in ${path}`);
        else await rm(folder, { recursive: true });
        throw error;
      }
      await rm(folder, { recursive: true });
      return undefined;
    }),
  );
}

interface Edited {
  readonly policy: string;
  readonly revision: bigint;
}

async function inForce(session: Session): Promise<Edited> {
  const { headscale } = await session.api();
  try {
    const { policy, revision, updatedAt } = await headscale.getPolicy({ tailnet: session.tailnet });
    if (updatedAt !== undefined) return { policy, revision };
  } catch (error) {
    if (error instanceof CliError && error.kind === "not-found") return { policy: starter, revision: 0n };
    throw error;
  }
  throw new CliError("conflict", "the policy comes from a file on the server: edit that one");
}

/** Edits again, if wanted, for as long as the server refuses the text. */
async function untilTaken(session: Session, path: string, current: Edited): Promise<void> {
  const { headscale } = await session.api();
  for (let tried = current.policy; ; ) {
    await session.edit(path);
    const policy = await readFile(path, "utf8");
    if (policy === tried) return session.output.note("Nothing changed: the policy stays as it is.");
    tried = policy;
    const request = { policy, tailnet: session.tailnet, ifRevision: current.revision };
    try {
      return await updated(session, await placedIn(path, () => headscale.setPolicy(request)));
    } catch (error) {
      if (!(error instanceof CliError) || error.kind !== "usage" || !session.stdin.isTTY) throw error;
      session.output.note(`Error: ${error.message}`);
      if (!(await session.confirm("Edit again?"))) throw new CliError("usage", "the policy stays as it is");
    }
  }
}

async function isChanged(path: string, text: string): Promise<boolean> {
  return (await readFile(path, "utf8")) !== text;
}
