import type { Run } from "#command.ts";
import { type Commands, yes } from "#flags.ts";
import manifest from "../../package.json" with { type: "json" };

export function version(commands: Commands, run: Run): Commands {
  return commands.command(
    "$0",
    "Print the version of this command line, or of the server",
    (command) => command.options({ server: yes("Ask the server too") }),
    run(async ({ api, output }, { server }) => {
      const node = process.version;
      const own = { version: manifest.version, node, os: process.platform, arch: process.arch };
      const text = `headscalectl ${own.version}\nrunning on: node ${node} ${own.os}/${own.arch}`;
      if (!server) return output.value(own, text);
      const there = (await (await api()).headscale.health({})).version || "unknown";
      return output.value({ ...own, server: there }, `${text}\nserver: headscale ${there}`);
    }),
  );
}
