import type { Run } from "#command.ts";
import type { Commands } from "#flags.ts";

export interface Noun {
  /** The first is shown, the others are understood. */
  readonly names: readonly string[];
  readonly describe: string;
  /** The module that defines the noun's verbs; only the one that is used gets loaded. */
  readonly load: () => Promise<(commands: Commands, run: Run) => unknown>;
}

/** All that can be administered. */
export const nouns: readonly Noun[] = [
  {
    names: ["namespaces", "namespace", "ns", "tailnet", "tailnets"],
    describe: "Namespaces (tailnets): closed groups of users and nodes",
    load: async () => (await import("./namespace.ts")).namespace,
  },
  {
    names: ["users", "user"],
    describe: "Users, who own nodes",
    load: async () => (await import("./users.ts")).users,
  },
  {
    names: ["nodes", "node", "machines", "machine"],
    describe: "Nodes: the devices in a namespace",
    load: async () => (await import("./nodes.ts")).nodes,
  },
  {
    names: ["routes", "route"],
    describe: "Subnet and exit routes that nodes announce",
    load: async () => (await import("./routes.ts")).routes,
  },
  {
    names: ["preauthkeys", "preauthkey", "authkey", "pre"],
    describe: "Keys with which nodes join unattended",
    load: async () => (await import("./preauthkeys.ts")).preauthkeys,
  },
  {
    names: ["auth"],
    describe: "Logins that wait for an answer",
    load: async () => (await import("./auth.ts")).auth,
  },
  {
    names: ["policy"],
    describe: "Who may reach whom",
    load: async () => (await import("./policy.ts")).policy,
  },
  {
    names: ["apikeys", "apikey", "api"],
    describe: "Keys for administering the server",
    load: async () => (await import("./apikeys.ts")).apikeys,
  },
  {
    names: ["audit"],
    describe: "Who changed what, and when",
    load: async () => (await import("./audit.ts")).audit,
  },
  {
    names: ["watch"],
    describe: "Print changes as they happen",
    load: async () => (await import("./watch.ts")).watch,
  },
  {
    names: ["ping"],
    describe: "Ask a node whether it is there",
    load: async () => (await import("./ping.ts")).ping,
  },
  {
    names: ["health"],
    describe: "Whether the server can do its work",
    load: async () => (await import("./health.ts")).health,
  },
  {
    names: ["version"],
    describe: "Print the version of this command line, or of the server",
    load: async () => (await import("./version.ts")).version,
  },
  {
    names: ["completion"],
    describe: "Print a script that completes commands in a shell",
    load: async () => (await import("./completion.ts")).completion,
  },
  {
    names: ["debug"],
    describe: "Try things out",
    load: async () => (await import("./debug.ts")).debug,
  },
];
