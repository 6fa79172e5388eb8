import type { Config } from "./config.ts";

export interface BannerFacts {
  readonly version: string;
  /** The first words of a command line that reaches this daemon: `headscalectl`, `npx headscalectl --socket PATH`. */
  readonly ctl: string;
  /** Names of the users there are; more than two need not be given. */
  readonly users: readonly string[];
}

const onlyHere = "                      which only this machine reaches: give server_url an address that others do";

function isLoopback(url: string): boolean {
  return /^(localhost|127\..*|\[::1\])$/.test(new URL(url).hostname);
}

/**
 * What a person sees when the daemon is up: where it is, and the next commands, ready to be typed as they stand.
 * No secret is in it. Ends without a newline.
 */
export function startupBanner(config: Config, { version, ctl, users }: BannerFacts): string {
  const user = users.length > 1 ? "USERNAME" : (users[0] ?? "alice");
  const steps = [
    { title: "Create a user", command: `${ctl} users create ${user}`, isNeeded: users.length === 0 },
    { title: "Make a key for a node", command: `${ctl} preauthkeys create --user ${user}`, isNeeded: true },
    {
      title: "On the node, connect",
      command: `sudo tailscale up --login-server ${config.server.url} --auth-key KEY`,
      isNeeded: true,
    },
  ].filter(({ isNeeded }) => isNeeded);
  const width = Math.max(...steps.map(({ title }) => title.length));
  return [
    `headscale ${version} is ready.`,
    "",
    `  clients connect to  ${config.server.url}`,
    ...(isLoopback(config.server.url) ? [onlyHere] : []),
    `  command line uses   ${config.listen.unixSocket}`,
    `  configuration       ${config.file ?? "no file, all defaults"}`,
    `  data                ${config.server.dataDir}`,
    "",
    "Next:",
    ...steps.map(({ title, command }, index) => `  ${index + 1}. ${title.padEnd(width)}  ${command}`),
  ].join("\n");
}
