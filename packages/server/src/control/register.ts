import {
  minCapabilityVersion,
  type RegisterRequest,
  type RegisterResponse,
  releaseOf,
  retryAfterCapabilityVersion,
} from "@headscale/tailcfg";
import { decodeRegisterRequest } from "@headscale/tailcfg/codec";
import {
  type AuthRequestId,
  type Command,
  displayNameOf,
  loginNameOf,
  type Node,
  parseAuthRequestId,
  type Registrant,
  type Registration,
  TailnetError,
  taggedDevicesUserId,
  tailnetWishOf,
  userIdOf,
} from "@headscale/tailnet";
import { register } from "@headscale/tailnet/commands";
import type { Context } from "hono";
import type { PresentedKeys } from "#auth/presented-keys.ts";
import { freshAuthId } from "#auth/secrets.ts";
import type { Live } from "#live/live.ts";
import { QueueFullError } from "#live/write-queue.ts";
import { readBody } from "./body.ts";
import type { MachineConnection } from "./connection.ts";
import type { ControlLimits } from "./limits.ts";
import type { LoginBudget } from "./login-budget.ts";
import type { MachineEnv } from "./machine-server.ts";

export interface RegisterOptions {
  readonly live: Live;
  readonly keys: PresentedKeys;
  readonly serverUrl: string;
  readonly limits: Pick<ControlLimits, "report" | "loginHoldMs" | "retryAfterMs">;
  readonly budget: LoginBudget;
  /** Addresses that count together: an IPv4 address, an IPv6 /64. */
  addressGroup(address: string): string;
  onOutcome(outcome: Registration["kind"] | "refused", connection: MachineConnection, detail: string): void;
}

/** `POST /machine/register`: every refusal is a 200 with `Error`, so that clients show it. */
export function registerHandler(options: RegisterOptions) {
  return async (context: Context<MachineEnv>): Promise<Response> => {
    const { incoming, outgoing } = context.env;
    const connection = context.get("connection");
    const request = decodeRegisterRequest(await readBody(incoming, context.get("bodyLimits")), options.limits.report);
    if (request.Version < minCapabilityVersion) return context.json(refusal(tooOld(request.Version)));
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    try {
      return context.json(await answer(options, connection, request, gone.signal));
    } catch (error) {
      return refused(options, context, request.Version, error);
    }
  };
}

/** A refusal that the client shows; too many at once is a 429 where the client understands it. */
function refused(options: RegisterOptions, context: Context<MachineEnv>, version: number, error: unknown): Response {
  const crowded =
    error instanceof QueueFullError || (error instanceof TailnetError && error.code === "too-many-requests");
  if (!crowded && !(error instanceof TailnetError)) throw error;
  options.onOutcome("refused", context.get("connection"), error.message);
  if (crowded && version >= retryAfterCapabilityVersion) {
    return context.text(error.message, 429, { "Retry-After": String(Math.ceil(options.limits.retryAfterMs / 1_000)) });
  }
  return context.json(refusal(error.message));
}

export function tooOld(version: number): string {
  return `this server needs Tailscale ${releaseOf(minCapabilityVersion)} or newer, this client speaks capability version ${version}: please update it`;
}

function refusal(text: string): RegisterResponse {
  return { MachineAuthorized: false, Error: text };
}

async function answer(
  { live, keys, serverUrl, limits, budget, addressGroup, onOutcome }: RegisterOptions,
  connection: MachineConnection,
  request: RegisterRequest,
  gone: AbortSignal,
): Promise<RegisterResponse> {
  const who = await registrantOf(connection, request, keys);
  const freshId = freshAuthId();
  const source = addressGroup(connection.address);
  if (mayBeginLogin(live, who) && !budget.allows(source)) {
    throw new TailnetError("too-many-requests", "too many logins were begun from your address: try again in a minute");
  }
  using _expected = live.arrivals.expect({ ...who, capVersion: request.Version });
  const outcome = await settledOutcome(live, connection, who, register(who, freshId), limits.loginHoldMs, gone);
  if (outcome.kind === "login" && outcome.authId === freshId) budget.count(source);
  onOutcome(outcome.kind, connection, "node" in outcome && outcome.node ? outcome.node.name : "");
  if (outcome.kind === "authorized") await live.noteHostinfo(outcome.node, request.Hostinfo, request.Version);
  return responseFor(live, serverUrl, outcome);
}

/** What a registration comes to; a login that is followed up is held until somebody acts. */
async function settledOutcome(
  live: Live,
  { machineKey }: MachineConnection,
  who: Registrant,
  command: Command<Registration>,
  holdMs: number,
  gone: AbortSignal,
): Promise<Registration> {
  const deadline = live.now() + holdMs;
  for (;;) {
    const decided = new AbortController();
    try {
      // Listening begins before the decision, so that a verdict in between is not missed.
      const verdict = who.followup && live.feed.settled(who.followup, holdMs, AbortSignal.any([gone, decided.signal]));
      const outcome = await live.execute(command, `machine:${machineKey.slice(5, 17)}`);
      if (outcome.kind !== "wait" || gone.aborted || live.now() >= deadline) return outcome;
      await verdict;
    } finally {
      decided.abort();
    }
  }
}

/** Whether the answer could be a new login: the machine brings no key, follows up none, and its node is not known. */
function mayBeginLogin({ world }: Live, who: Registrant): boolean {
  const followsUp = who.followup !== undefined && world.authRequests.has(who.followup);
  return who.authKey === undefined && !followsUp && !world.index.nodeByNodeKey.has(who.nodeKey);
}

function responseFor(live: Live, serverUrl: string, outcome: Registration): RegisterResponse {
  switch (outcome.kind) {
    case "authorized":
      return { ...owner(live, outcome.node), MachineAuthorized: true, NodeKeyExpired: false, AuthURL: "" };
    case "expired":
      return { ...(outcome.node && owner(live, outcome.node)), MachineAuthorized: false, NodeKeyExpired: true };
    case "wait":
    case "login":
      return { MachineAuthorized: false, AuthURL: `${serverUrl}/register/${outcome.authId}` };
  }
}

function owner(live: Live, node: Node): Pick<RegisterResponse, "User" | "Login"> {
  const user = live.world.users.get(userIdOf(node) ?? taggedDevicesUserId);
  const [ID, LoginName, DisplayName, Provider] = user
    ? [user.id, loginNameOf(user), displayNameOf(user), user.provider]
    : [taggedDevicesUserId, "tagged-devices", "Tagged Devices", ""];
  return { User: { ID, DisplayName }, Login: { ID, Provider, LoginName, DisplayName } };
}

async function registrantOf(
  { machineKey }: MachineConnection,
  request: RegisterRequest,
  keys: PresentedKeys,
): Promise<Registrant> {
  const followup = followupOf(request.Followup);
  const authKey = request.Auth?.AuthKey;
  const wish = tailnetWishOf(request.Tailnet);
  return {
    machineKey,
    nodeKey: request.NodeKey,
    hostinfo: request.Hostinfo,
    ephemeral: request.Ephemeral,
    ...(request.NLKey !== undefined && { nlKey: request.NLKey }),
    ...(request.Expiry !== undefined && { expiry: request.Expiry }),
    ...(authKey !== undefined && { authKey: (await keys.read("auth", authKey)) ?? "malformed" }),
    ...(wish !== undefined && { wish }),
    ...(followup !== undefined && { followup }),
  };
}

/** The auth id at the end of a URL that we gave; one that we cannot have given means "start over". */
function followupOf(url: string | undefined): AuthRequestId | undefined {
  if (url === undefined) return undefined;
  try {
    return parseAuthRequestId(url.slice(url.lastIndexOf("/") + 1));
  } catch {
    return undefined;
  }
}
