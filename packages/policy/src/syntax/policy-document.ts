import type { Prefix } from "@headscale/netip";
import type { CapabilityValues, PortRange } from "@headscale/tailcfg";
import type { PolicyProblem } from "../policy-error.ts";
import type { DerpMapEdit } from "./derp-map.ts";
import type { IpSetStep } from "./ip-sets.ts";
import type { ProtocolPorts } from "./ports.ts";
import type { PostureAssertion } from "./postures.ts";
import type { Selector } from "./selector.ts";

/** Where an entry stands in the text: string indexes of its first character and behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A text of the file with its place. */
export interface Located {
  readonly text: string;
  readonly at: number;
}

export interface AclDestination {
  readonly selector: Selector;
  readonly ports: readonly PortRange[];
}

export interface AclRule {
  readonly span: Span;
  readonly src: readonly Selector[];
  readonly dst: readonly AclDestination[];
  readonly protocol: number | undefined;
  /** `undefined`: the policy's default applies. */
  readonly srcPosture: readonly Located[] | undefined;
}

export interface Grant {
  readonly span: Span;
  readonly src: readonly Selector[];
  readonly dst: readonly Selector[];
  readonly ip: readonly ProtocolPorts[];
  readonly app: ReadonlyMap<string, CapabilityValues>;
  readonly via: readonly Selector[];
  readonly srcPosture: readonly Located[] | undefined;
}

export interface SshRule {
  readonly span: Span;
  readonly action: "accept" | "check";
  readonly src: readonly Selector[];
  readonly dst: readonly Selector[];
  readonly users: readonly string[];
  /** How long an approval is good for; 0 = ask every time. */
  readonly checkPeriodMs: number;
  readonly acceptEnv: readonly string[] | undefined;
  readonly recorder: readonly Selector[];
  readonly enforceRecorder: boolean;
  readonly srcPosture: readonly Located[] | undefined;
}

export interface NodeAttr {
  readonly span: Span;
  readonly target: readonly Selector[];
  readonly attr: readonly string[];
  readonly ipPool: readonly Prefix[];
  /** Attributes with values, such as `tailscale.com/app-connectors`. */
  readonly app: ReadonlyMap<string, CapabilityValues>;
}

export interface AutoApprovers {
  readonly routes: readonly { readonly prefix: Prefix; readonly approvers: readonly Selector[] }[];
  readonly exitNode: readonly Selector[];
  readonly services: ReadonlyMap<string, readonly Selector[]>;
}

/** An assertion about access. Its parts are judged when the test runs, not when the policy is read. */
export interface AccessTest {
  readonly span: Span;
  readonly src: string;
  readonly proto: string;
  readonly accept: readonly Located[];
  readonly deny: readonly Located[];
  readonly srcPostureAttrs: Readonly<Record<string, string | number | boolean>>;
}

export interface SshTest {
  readonly span: Span;
  readonly src: string;
  readonly dst: readonly Selector[];
  readonly accept: readonly Located[];
  readonly deny: readonly Located[];
  readonly check: readonly Located[];
}

/** A policy that was read and found valid. Sections that are not in the file are empty, but for `acls`, `grants` and `ssh`. */
export interface Policy {
  /** The text as it was submitted. */
  readonly text: string;
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly hosts: ReadonlyMap<string, Prefix>;
  readonly ipSets: ReadonlyMap<string, readonly IpSetStep[]>;
  readonly tagOwners: ReadonlyMap<string, readonly Selector[]>;
  readonly postures: ReadonlyMap<string, readonly PostureAssertion[]>;
  readonly defaultSrcPosture: readonly Located[];
  /** Absent differs from empty: without both `acls` and `grants` everything is allowed. */
  readonly acls: readonly AclRule[] | undefined;
  readonly grants: readonly Grant[] | undefined;
  readonly ssh: readonly SshRule[] | undefined;
  readonly autoApprovers: AutoApprovers;
  readonly nodeAttrs: readonly NodeAttr[];
  readonly tests: readonly AccessTest[];
  readonly sshTests: readonly SshTest[];
  readonly randomizeClientPort: boolean;
  readonly disableIPv4: boolean;
  readonly oneCGNATRoute: "mac-always" | "mac-never" | undefined;
  readonly derpMap: DerpMapEdit | undefined;
  /** Legal, but hardly meant. */
  readonly warnings: readonly PolicyProblem[];
}
