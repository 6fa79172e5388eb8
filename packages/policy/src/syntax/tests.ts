import type { HujsonValue } from "#hujson/hujson.ts";
import type { AccessTest, Located, SshTest } from "./policy-document.ts";
import type { Selector } from "./selector.ts";
import type { SyntaxContext } from "./syntax-context.ts";

/** Reads an entry of `tests`; what is wrong inside makes the test fail, not the reading. */
export function readAccessTest(context: SyntaxContext, value: HujsonValue): AccessTest {
  let src = "";
  let proto = "";
  let accept: readonly Located[] = [];
  let deny: readonly Located[] = [];
  let srcPostureAttrs: AccessTest["srcPostureAttrs"] = {};
  const readSrc = (field: HujsonValue) => {
    src = context.text(field, "tests.src").trim();
  };
  const readAccept = (field: HujsonValue) => {
    accept = plainTexts(context, field, "tests.accept");
  };
  context.fields(value, "tests", {
    src: readSrc,
    user: readSrc,
    proto: (field) => {
      proto = field.kind === "number" ? String(field.value) : context.text(field, "tests.proto").trim();
    },
    accept: readAccept,
    allow: readAccept,
    deny: (field) => {
      deny = plainTexts(context, field, "tests.deny");
    },
    srcPostureAttrs: (field) => {
      srcPostureAttrs = readAttributes(context, field);
    },
  });
  return { span: value, src, proto, accept, deny, srcPostureAttrs };
}

function readAttributes(context: SyntaxContext, value: HujsonValue): AccessTest["srcPostureAttrs"] {
  const attributes: Record<string, string | number | boolean> = {};
  for (const { name, value: attribute } of context.entries(value, "tests.srcPostureAttrs")) {
    if (attribute.kind === "string" || attribute.kind === "number" || attribute.kind === "boolean") {
      attributes[name] = attribute.value;
    } else context.problem(attribute.start, "tests.srcPostureAttrs: expected a text, a number, true or false");
  }
  return attributes;
}

export function readSshTest(context: SyntaxContext, value: HujsonValue): SshTest {
  let src = "";
  let dst: Selector[] = [];
  let accept: readonly Located[] = [];
  let deny: readonly Located[] = [];
  let check: readonly Located[] = [];
  context.fields(value, "sshTests", {
    src: (field) => {
      src = context.text(field, "sshTests.src").trim();
    },
    dst: (field) => {
      dst = context.selectors(field, "sshTests.dst");
    },
    accept: (field) => {
      accept = plainTexts(context, field, "sshTests.accept");
    },
    deny: (field) => {
      deny = plainTexts(context, field, "sshTests.deny");
    },
    check: (field) => {
      check = plainTexts(context, field, "sshTests.check");
    },
  });
  return { span: value, src, dst, accept, deny, check };
}

function plainTexts(context: SyntaxContext, value: HujsonValue, what: string): Located[] {
  return context.texts(value, what).map(({ text, at }) => ({ text: text.trim(), at }));
}
