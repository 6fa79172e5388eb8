import type { Prefix } from "@headscale/netip";
import type { HujsonValue } from "#hujson/hujson.ts";
import type { AutoApprovers } from "./policy-document.ts";
import { quote } from "./quote.ts";
import { lexLiteral, type Selector } from "./selector.ts";
import type { SyntaxContext } from "./syntax-context.ts";

/** Group name → logins. */
export function readGroups(context: SyntaxContext, value: HujsonValue): Map<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const { name, at, value: list } of context.entries(value, "groups")) {
    if (!name.startsWith("group:")) context.problem(at, `groups: ${quote(name)} must start with "group:"`);
    const members = context.texts(list, `groups[${quote(name)}]`);
    for (const member of members) {
      const text = member.text.trim();
      if (text.startsWith("group:")) {
        context.problem(member.at, `groups[${quote(name)}]: ${quote(text)}: group members cannot be recursive`);
      } else if (!text.includes("@")) {
        context.problem(member.at, `groups[${quote(name)}]: ${quote(text)}: group members must be users`);
      }
    }
    groups.set(
      name,
      members.map(({ text }) => text.trim()),
    );
  }
  return groups;
}

export function readHosts(context: SyntaxContext, value: HujsonValue): Map<string, Prefix> {
  const hosts = new Map<string, Prefix>();
  for (const { name, at, value: address } of context.entries(value, "hosts")) {
    if (name === "" || /[@:\s]/.test(name)) context.problem(at, `hosts: ${quote(name)} is not a valid host name`);
    const text = context.text(address, `hosts[${quote(name)}]`).trim();
    const literal = lexLiteral(text);
    if (literal === undefined) context.problem(address.start, `hosts[${quote(name)}]: ${quote(text)}: invalid address`);
    else hosts.set(name, literal.prefix);
  }
  return hosts;
}

export function readTagOwners(context: SyntaxContext, value: HujsonValue): Map<string, readonly Selector[]> {
  const owners = new Map<string, readonly Selector[]>();
  for (const { name, at, value: list } of context.entries(value, "tagOwners")) {
    const where = `tagOwners[${quote(name)}]`;
    if (!name.startsWith("tag:")) context.problem(at, `${where}: tags must start with "tag:"`);
    else if (!/^tag:[A-Za-z]/.test(name))
      context.problem(at, `${where}: tag names must start with a letter, after 'tag:'`);
    else if (!/^tag:[A-Za-z][A-Za-z0-9.-]*$/.test(name)) {
      context.problem(at, `${where}: tag names can only contain numbers, letters, dots, or dashes`);
    }
    owners.set(name, context.selectors(list, where));
  }
  return owners;
}

export function readAutoApprovers(context: SyntaxContext, value: HujsonValue): AutoApprovers {
  const routes: { prefix: Prefix; approvers: Selector[] }[] = [];
  const services = new Map<string, Selector[]>();
  let exitNode: Selector[] = [];
  context.fields(value, "autoApprovers", {
    routes: (field) => {
      for (const entry of context.entries(field, "autoApprovers.routes")) {
        const where = `autoApprovers.routes[${quote(entry.name)}]`;
        const literal = lexLiteral(entry.name.trim());
        if (literal === undefined) context.problem(entry.at, `${where}: ${quote(entry.name)} is no network`);
        else routes.push({ prefix: literal.prefix, approvers: context.selectors(entry.value, where) });
      }
    },
    exitNode: (field) => {
      exitNode = context.selectors(field, "autoApprovers.exitNode");
    },
    services: (field) => {
      for (const entry of context.entries(field, "autoApprovers.services")) {
        services.set(entry.name, context.selectors(entry.value, `autoApprovers.services[${quote(entry.name)}]`));
      }
    },
  });
  return { routes, exitNode, services };
}
