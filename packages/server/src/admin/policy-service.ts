import { createHash } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { PolicyService } from "@headscale/gen/headscale/v1/policy_pb.ts";
import type { PolicySummary, Store } from "@headscale/store";
import { type PolicyId, type PolicyRevision, TailnetError, type TailnetId } from "@headscale/tailnet";
import { tailnetNamed } from "@headscale/tailnet/commands";
import type { Live } from "#live/live.ts";
import type { PolicyKeeper } from "#live/policy-keeper.ts";
import { type PageLimits, pageSizeOf } from "./page-size.ts";
import { diffAccess } from "./policy-diff.ts";
import { explain } from "./policy-explain.ts";
import { withPlaces } from "./policy-refusal.ts";
import { testResults } from "./policy-tests.ts";
import { actorOf, idOf } from "./scope.ts";

type Rpcs = ServiceImpl<typeof PolicyService>;

/** History, tests, differences and explanations of policies. */
export function policyService(live: Live, store: Store, policies: PolicyKeeper, limits: PageLimits): Rpcs {
  const scope = (name: string) => tailnetNamed(live.world, name).id;
  const currentId = (tailnet: TailnetId) =>
    policies.isFile(tailnet) ? undefined : live.world.policies.get(tailnet)?.id;
  const revisionOf = async (tailnet: TailnetId, wanted: bigint): Promise<PolicyRevision> => {
    const id = wanted === 0n ? currentId(tailnet) : idOf<PolicyId>(wanted, "revision");
    const revision = id === undefined ? undefined : await store.policyRevision(tailnet, id);
    if (!revision)
      throw new ConnectError(
        wanted === 0n ? "no policy is stored" : `policy revision ${wanted} not found`,
        Code.NotFound,
      );
    return revision;
  };
  /** The text that a request means: its own, a revision's, or the one in force. */
  const textOf = async (tailnet: TailnetId, text: string, revision: bigint): Promise<string | undefined> => {
    if (text !== "") return text;
    if (revision !== 0n) return (await revisionOf(tailnet, revision)).text;
    return policies.textOf(live.world, tailnet);
  };
  const describe = async (tailnet: TailnetId, revision: PolicyRevision) => {
    const summary = (await store.policyHistory(tailnet)).find(({ id }) => id === revision.id);
    return { ...shown(summary ?? summarized(revision), currentId(tailnet)), policy: revision.text };
  };
  return {
    async listPolicyRevisions(request) {
      const tailnet = scope(request.tailnet);
      const all = await store.policyHistory(tailnet);
      const size = pageSizeOf(request.pageSize, limits);
      const from = request.pageToken === "" ? 0 : all.findIndex(({ id }) => id < idFrom(request.pageToken));
      const page = from < 0 ? [] : all.slice(from, from + size);
      const last = page.at(-1);
      const more = last !== undefined && last !== all.at(-1);
      return {
        revisions: page.map((summary) => shown(summary, currentId(tailnet))),
        nextPageToken: more ? String(last.id) : "",
      };
    },
    async getPolicyRevision(request) {
      const tailnet = scope(request.tailnet);
      return { revision: await describe(tailnet, await revisionOf(tailnet, request.revision)) };
    },
    async rollbackPolicy(request, context) {
      const tailnet = scope(request.tailnet);
      const { text } = await revisionOf(tailnet, request.revision);
      const ifRevision = request.ifRevision === undefined ? undefined : Number(request.ifRevision);
      const revision = await policies.set(live, tailnet, text, actorOf(context), ifRevision);
      return { revision: await describe(tailnet, revision) };
    },
    async testPolicy(request) {
      const tailnet = scope(request.tailnet);
      const text = await textOf(tailnet, request.policy, 0n);
      return testResults(live.world, await withPlaces(text ?? "", () => policies.inputFor(live, tailnet, text)));
    },
    async diffPolicy(request) {
      const tailnet = scope(request.tailnet);
      const before = await textOf(tailnet, "", request.fromRevision);
      const after = await textOf(tailnet, request.policy, request.toRevision);
      return withPlaces(after ?? "", () => diffAccess(live, policies, tailnet, before, after));
    },
    async explainPolicy(request) {
      const tailnet = scope(request.tailnet);
      const text = await textOf(tailnet, request.policy, 0n);
      const input = await withPlaces(text ?? "", () => policies.inputFor(live, tailnet, text));
      return explain(live, input, tailnet, request);
    },
  };
}

function idFrom(token: string): number {
  if (!/^\d{1,15}$/.test(token)) throw new TailnetError("argument-invalid", "page_token: not one that a page gave");
  return Number(token);
}

function summarized({ id, tailnet, createdAt, text }: PolicyRevision): PolicySummary {
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { id, tailnet, createdAt, actor: "", sha256, sizeBytes: Buffer.byteLength(text) };
}

function shown({ id, createdAt, actor, sha256, sizeBytes }: PolicySummary, current: PolicyId | undefined) {
  return {
    revision: BigInt(id),
    createdAt: timestampFromMs(createdAt),
    actor,
    sha256,
    sizeBytes,
    current: id === current,
  };
}
