import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { create, createRegistry, fromJson, getOption } from "@bufbuild/protobuf";
import { toContractJson } from "@headscale/gen/contract-json";
import { http } from "@headscale/gen/google/api/annotations_pb.ts";
import { ChangeSchema } from "@headscale/gen/headscale/v1/change_pb.ts";
import { ListNodesResponseSchema, NodeSchema, RegisterMethod } from "@headscale/gen/headscale/v1/node_pb.ts";
import { GetPolicyResponseSchema, SetPolicyRequestSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { describe, expect, test } from "vitest";
import { contractFiles } from "./support/contract-files.ts";
import { contractTable } from "./support/contract-table.ts";

const root = join(import.meta.dirname, "..");
const generated = join(root, "gen/src");
const run = promisify(execFile);
const buf = (...args: string[]) => run("buf", args, { cwd: root, env: { ...process.env, PATH: binPath() } });

function binPath(): string {
  return `${join(root, "node_modules/.bin")}:${process.env.PATH}`;
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const files = await contractFiles();
const ours = contractTable(createRegistry(...files));
const headscale = (await readFile(join(root, "test/vectors/contract/headscale-0.29.txt"), "utf8")).trim().split("\n");
const methods: DescMethod[] = files.flatMap((file) => file.services.flatMap((service) => service.methods));

describe("headscale 0.29's names and numbers", () => {
  test("are all in our contract, fields, enum values, methods and routes alike", () => {
    expect(headscale).toHaveLength(259);
    expect(headscale.filter((line) => !ours.includes(line))).toEqual([]);
  });

  test("are joined by fields of ours from number 100 up only", () => {
    const theirs = new Set(headscale.map((line) => /^(?:message )?(headscale\.v1\.\w+)(?::|$)/.exec(line)?.[1]));
    const added = ours
      .filter((line) => !headscale.includes(line))
      .map((line) => /^(headscale\.v1\.\w+): (\w+) = (\d+)/.exec(line))
      .filter((match) => match !== null && theirs.has(match[1]));
    expect(added.length).toBeGreaterThan(20);
    expect(added.filter((match) => Number(match?.[3]) < 100).map((match) => match?.[0])).toEqual([]);
  });
});

describe("the contract", () => {
  test("has a REST route of its own for every RPC", () => {
    const routes = methods.map((method) => {
      const { pattern } = getOption(method, http);
      return `${pattern.case} ${typeof pattern.value === "string" ? pattern.value.replace(/\{\w+\}/g, "{}") : ""}`;
    });
    expect(routes.filter((route) => !/^(get|put|post|delete|patch) \/api\/v1\//.test(route))).toEqual([]);
    expect(new Set(routes).size).toBe(methods.length);
  });

  test("names the tailnet by field 100 in every request that has one", () => {
    const requests = methods.map((method): DescMessage => method.input);
    const numbers = requests.flatMap((message) => message.fields.filter(({ name }) => name === "tailnet"));
    expect(numbers.length).toBeGreaterThan(30);
    expect(new Set(numbers.map(({ number }) => number))).toEqual(new Set([100]));
  });

  test("is linted and formatted", async () => {
    await buf("lint");
    await buf("format", "--diff", "--exit-code", "--exclude-path", "proto/google");
  });

  test("is what the committed code was generated from", async () => {
    const folder = await mkdtemp(join(tmpdir(), "headscale-gen-"));
    try {
      await buf("generate", "--output", folder);
      const fresh = join(folder, "gen/src");
      expect(await filesUnder(generated)).toEqual(await filesUnder(fresh));
      for (const name of await filesUnder(fresh)) {
        expect(await readFile(join(generated, name), "utf8"), name).toBe(await readFile(join(fresh, name), "utf8"));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("toContractJson", () => {
  test("writes every field, null for what is unset", () => {
    expect(toContractJson(ListNodesResponseSchema, create(ListNodesResponseSchema))).toEqual({ nodes: [] });
    const node = create(NodeSchema, { id: 2n ** 64n - 1n, registerMethod: RegisterMethod.CLI, user: { id: 7n } });
    expect(toContractJson(NodeSchema, node)).toMatchObject({
      id: "18446744073709551615",
      machineKey: "",
      ipAddresses: [],
      user: { id: "7", name: "", createdAt: null },
      lastSeen: null,
      preAuthKey: null,
      registerMethod: "REGISTER_METHOD_CLI",
      online: false,
    });
  });

  test("keeps the order of the contract", () => {
    const json = toContractJson(NodeSchema, create(NodeSchema, { user: {}, tags: ["tag:a"] }));
    expect(Object.keys(json as object)).toEqual(NodeSchema.fields.map(({ jsonName }) => jsonName));
  });

  test("leaves out what is optional and unset", () => {
    const json = toContractJson(SetPolicyRequestSchema, create(SetPolicyRequestSchema));
    expect(json).toEqual({ policy: "", tailnet: "" });
  });

  test("leaves well-known types in their own form", () => {
    const time = { seconds: 1_700_000_000n, nanos: 120_000_000 };
    expect(toContractJson(GetPolicyResponseSchema, create(GetPolicyResponseSchema, { updatedAt: time }))).toMatchObject(
      { updatedAt: "2023-11-14T22:13:20.120Z" },
    );
    const change = create(ChangeSchema, { detail: { tags: ["tag:a"], owner: null } });
    expect(toContractJson(ChangeSchema, change)).toMatchObject({ detail: { tags: ["tag:a"], owner: null } });
  });

  test("is read back as the same message", () => {
    const node = create(NodeSchema, {
      id: 3n,
      tags: ["tag:a"],
      routes: [{ prefix: "10.0.0.0/8" }],
      createdAt: { seconds: 5n },
    });
    expect(fromJson(NodeSchema, toContractJson(NodeSchema, node))).toEqual(node);
  });
});
