import type { SSHAction } from "@headscale/tailcfg";
import { type AuthRequestId, type Node, type NodeId, parseAuthRequestId, TailnetError } from "@headscale/tailnet";
import { openAuthRequest } from "@headscale/tailnet/commands";
import type { Context, Hono } from "hono";
import { freshAuthId } from "#auth/secrets.ts";
import type { Live } from "#live/live.ts";
import { isApproved } from "#live/ssh-approvals.ts";
import type { MachineEnv } from "./machine-server.ts";

export interface SshActionOptions {
  readonly live: Live;
  readonly serverUrl: string;
  /** One hold of a connection that waits for its approval; the client asks again. */
  readonly holdMs: number;
}

const accepted: SSHAction = {
  accept: true,
  allowAgentForwarding: true,
  allowLocalPortForwarding: true,
  allowRemotePortForwarding: true,
};

/** `GET /machine/ssh/action/SRC/to/DST`: what becomes of an SSH connection under a check rule, asked by its destination. */
export function mountSshAction(app: Hono<MachineEnv>, options: SshActionOptions): void {
  app.get("/machine/ssh/action/:src/to/:dst", async (context) => {
    const check = checkOf(options.live, context);
    if (check instanceof Response) return check;
    const { src, dst, login } = check;
    const rule = options.live.tailnet(dst.tailnet).policy.sshCheck(src.id, dst.id, login);
    if (!rule) return context.json(rejected("the policy no longer asks for this check: connect again"));
    const purpose = { kind: "ssh-check", src: src.id, dst: dst.id, login } as const;
    if (await isApproved(options.live, purpose, rule.periodMs)) return context.json(accepted);
    const authId = context.req.query("auth_id");
    if (authId === undefined) return context.json(await delegate(options, check));
    const verdict = await verdictOn(options, check, authId, context);
    // Kept for the connections that follow.
    if (verdict === "accepted") await isApproved(options.live, purpose, rule.periodMs);
    return context.json(await actionFor(options, check, verdict));
  });
}

async function actionFor(
  options: SshActionOptions,
  check: Check,
  verdict: Awaited<ReturnType<typeof verdictOn>>,
): Promise<SSHAction> {
  if (verdict === undefined) return delegate(options, check);
  if (verdict === "accepted") return accepted;
  if (verdict === "rejected") return rejected("an administrator rejected this SSH connection");
  return delegation(options, check, verdict.pending);
}

interface Check {
  readonly src: Node;
  readonly dst: Node;
  readonly login: string;
}

function checkOf(live: Live, context: Context<MachineEnv>): Check | Response {
  const node = (name: string) => live.world.nodes.get(Number(context.req.param(name)) as NodeId);
  const [src, dst] = [node("src"), node("dst")];
  if (!dst || !src || src.tailnet !== dst.tailnet) return context.text("no such node", 404);
  if (dst.machineKey !== context.get("connection").machineKey) return context.text("only the destination may ask", 401);
  return { src, dst, login: context.req.query("local_user") ?? "" };
}

function rejected(message: string): SSHAction {
  return { reject: true, message: `# Headscale: ${message}\n` };
}

async function delegate(options: SshActionOptions, { src, dst, login }: Check): Promise<SSHAction> {
  const id = freshAuthId();
  const purpose = { kind: "ssh-check", src: src.id, dst: dst.id, login } as const;
  await options.live.execute(openAuthRequest(id, purpose), `node:${dst.id}`);
  return delegation(options, { src, dst, login }, id);
}

/** Tells the client to ask again for the verdict on `id`, and its user where to get one. */
function delegation({ serverUrl }: SshActionOptions, { src, dst, login }: Check, id: AuthRequestId): SSHAction {
  const query = new URLSearchParams({ local_user: login, auth_id: id });
  return {
    message: `# Headscale SSH requires an additional check.\n# To authenticate, visit: ${serverUrl}/auth/${id}\n`,
    holdAndDelegate: `${serverUrl}/machine/ssh/action/${src.id}/to/${dst.id}?${query}`,
  };
}

/** What became of the check, if it is not pending still; undefined when this server knows nothing of it any more. */
async function verdictOn(
  { live, holdMs }: SshActionOptions,
  { src, dst, login }: Check,
  text: string,
  context: Context<MachineEnv>,
): Promise<"accepted" | "rejected" | { readonly pending: AuthRequestId } | undefined> {
  const id = authId(text);
  const gone = new AbortController();
  context.env.outgoing.once("close", () => gone.abort());
  for (let first = true; ; first = false) {
    const request = id && live.world.authRequests.get(id);
    const { purpose } = request ?? {};
    const same =
      purpose?.kind === "ssh-check" && purpose.src === src.id && purpose.dst === dst.id && purpose.login === login;
    if (!id || !same || !request || request.expiresAt <= live.now()) return undefined;
    if (request.verdict !== "pending") return request.verdict;
    if (!first || gone.signal.aborted) return { pending: id };
    await live.feed.settled(id, Math.min(holdMs, request.expiresAt - live.now()), gone.signal);
  }
}

function authId(text: string): AuthRequestId | undefined {
  try {
    return parseAuthRequestId(text);
  } catch (error) {
    if (error instanceof TailnetError) return undefined;
    throw error;
  }
}
