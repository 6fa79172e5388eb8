import type { CapabilityValues } from "@headscale/tailcfg";
import type { HujsonValue } from "#hujson/hujson.ts";
import { splitHostPort } from "./destination.ts";
import type { AclDestination, AclRule, Grant, Located } from "./policy-document.ts";
import { anyPort, type ProtocolPorts, parsePorts, parseProtocol, parseProtocolPorts } from "./ports.ts";
import { quote } from "./quote.ts";
import { lexSelector, type Selector } from "./selector.ts";
import type { SyntaxContext } from "./syntax-context.ts";

export function readAcl(context: SyntaxContext, value: HujsonValue): AclRule {
  let action = "";
  let actionAt = value.start;
  let src: Selector[] = [];
  let dst: AclDestination[] = [];
  let protocol: number | undefined;
  let srcPosture: Located[] | undefined;
  const readSrc = (field: HujsonValue) => {
    src = context.selectors(field, "acls.src");
  };
  const readDst = (field: HujsonValue) => {
    dst = context.texts(field, "acls.dst").map((entry) => readDestination(context, entry));
  };
  context.fields(
    value,
    "acls",
    {
      action: (field) => {
        action = context.text(field, "acls.action");
        actionAt = field.start;
      },
      src: readSrc,
      users: readSrc,
      dst: readDst,
      ports: readDst,
      proto: (field) => {
        protocol = readProtocol(context, field);
      },
      srcPosture: (field) => {
        srcPosture = context.texts(field, "acls.srcPosture");
      },
    },
    // headscale-admin keeps its notes under such names.
    (name) => name.startsWith("#"),
  );
  if (action !== "accept") context.problem(actionAt, `action=${quote(action)} is not supported`);
  return { span: value, src, dst, protocol, srcPosture };
}

function readDestination(context: SyntaxContext, { text, at }: Located): AclDestination {
  const split = splitHostPort(text.trim());
  if ("error" in split) {
    context.problem(at, split.error);
    return { selector: lexSelector("*", at), ports: [anyPort] };
  }
  const ports = parsePorts(split.ports);
  if ("error" in ports) {
    context.problem(at, `dst=${quote(text)}: ${ports.error}`);
    return { selector: lexSelector(split.host, at), ports: [anyPort] };
  }
  return { selector: lexSelector(split.host, at), ports };
}

function readProtocol(context: SyntaxContext, field: HujsonValue): number | undefined {
  const protocol = parseProtocol(field.kind === "number" ? String(field.value) : context.text(field, "acls.proto"));
  if (typeof protocol !== "object") return protocol;
  context.problem(field.start, protocol.error);
  return undefined;
}

export function readGrant(context: SyntaxContext, value: HujsonValue): Grant {
  const ip: ProtocolPorts[] = [];
  let src: Selector[] = [];
  let dst: Selector[] = [];
  let app = new Map<string, CapabilityValues>();
  let via: Selector[] = [];
  let srcPosture: Located[] | undefined;
  context.fields(value, "grants", {
    src: (field) => {
      src = context.selectors(field, "grants.src");
    },
    dst: (field) => {
      dst = context.selectors(field, "grants.dst");
    },
    ip: (field) => {
      for (const { text, at } of context.texts(field, "grants.ip")) {
        const entry = parseProtocolPorts(text.trim());
        if ("error" in entry) context.problem(at, entry.error);
        else ip.push(entry);
      }
      // A grant whose every entry is wrong is not also an empty one.
      if (ip.length === 0 && field.kind === "array" && field.items.length > 0)
        ip.push({ protocol: undefined, ports: [] });
    },
    app: (field) => {
      app = readCapabilities(context, field, "grants.app");
    },
    via: (field) => {
      via = context.selectors(field, "grants.via");
    },
    srcPosture: (field) => {
      srcPosture = context.texts(field, "grants.srcPosture");
    },
  });
  return { span: value, src, dst, ip, app, via, srcPosture };
}

/** Capability name → list of values, any JSON. */
export function readCapabilities(
  context: SyntaxContext,
  value: HujsonValue,
  what: string,
): Map<string, CapabilityValues> {
  const capabilities = new Map<string, CapabilityValues>();
  for (const entry of context.entries(value, what)) {
    const values = context.json(entry.value);
    if (values !== null && !Array.isArray(values))
      context.problem(entry.value.start, `${what}: expected a list of values`);
    else capabilities.set(entry.name, values);
  }
  return capabilities;
}
