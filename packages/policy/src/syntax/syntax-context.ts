import { type HujsonValue, toJson } from "#hujson/hujson.ts";
import type { Located } from "./policy-document.ts";
import { quote } from "./quote.ts";
import { lexSelector, type Selector } from "./selector.ts";

/** Known fields of an object, by canonical name, and how to read each. */
export type FieldReaders = Readonly<Record<string, (value: HujsonValue) => void>>;

/** Collects what is wrong while a policy is read; problems keep the order in which they were found. */
export class SyntaxContext {
  readonly problems: { index: number; message: string }[] = [];
  readonly warnings: { index: number; message: string }[] = [];

  problem(index: number, message: string): void {
    this.problems.push({ index, message });
  }

  warn(index: number, message: string): void {
    this.warnings.push({ index, message });
  }

  /**
   * Reads the fields of an object. Names match in any case; unknown ones are problems unless `ignore` says otherwise;
   * `null` is as good as absent.
   */
  fields(
    value: HujsonValue,
    what: string,
    readers: FieldReaders,
    ignore: (name: string) => boolean = () => false,
  ): void {
    if (value.kind !== "object") {
      this.problem(value.start, `${what}: expected an object`);
      return;
    }
    const canonical = new Map(Object.keys(readers).map((name) => [name.toLowerCase(), name]));
    const seen = new Set<string>();
    for (const member of value.members) {
      const name = canonical.get(member.name.toLowerCase());
      if (name === undefined) {
        if (!ignore(member.name)) this.problem(member.nameStart, `unknown field: ${quote(member.name)}`);
      } else if (seen.has(name)) this.problem(member.nameStart, `duplicate name ${quote(member.name)}`);
      else if (member.value.kind !== "null") readers[name]?.(member.value);
      if (name !== undefined) seen.add(name);
    }
  }

  /** Members of a map with free names. */
  entries(value: HujsonValue, what: string): readonly { name: string; at: number; value: HujsonValue }[] {
    if (value.kind !== "object") {
      this.problem(value.start, `${what}: expected an object`);
      return [];
    }
    return value.members.map((member) => ({ name: member.name, at: member.nameStart, value: member.value }));
  }

  items(value: HujsonValue, what: string): readonly HujsonValue[] {
    if (value.kind === "null") return [];
    if (value.kind === "array") return value.items;
    this.problem(value.start, `${what}: expected a list`);
    return [];
  }

  text(value: HujsonValue, what: string): string {
    if (value.kind === "string") return value.value;
    if (value.kind !== "null") this.problem(value.start, `${what}: expected a text`);
    return "";
  }

  flag(value: HujsonValue, what: string): boolean {
    if (value.kind === "boolean") return value.value;
    this.problem(value.start, `${what}: expected true or false`);
    return false;
  }

  number(value: HujsonValue, what: string): number {
    if (value.kind === "number") return value.value;
    this.problem(value.start, `${what}: expected a number`);
    return 0;
  }

  /** A list of texts, untrimmed. */
  texts(value: HujsonValue, what: string): Located[] {
    const found: Located[] = [];
    for (const item of this.items(value, what)) {
      if (item.kind === "string") found.push({ text: item.value, at: item.start });
      else this.problem(item.start, `${what}: expected a list of texts`);
    }
    return found;
  }

  selectors(value: HujsonValue, what: string): Selector[] {
    return this.texts(value, what).map(({ text, at }) => lexSelector(text.trim(), at));
  }

  json(value: HujsonValue): unknown {
    return toJson(value);
  }
}
