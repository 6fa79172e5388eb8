import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";
import type { OutputFormat } from "./output-format.ts";
import { type Column, table } from "./table.ts";

/** Writes a command's answer: for machines the shape of the REST API, for people a table or a sentence. */
export class Output {
  readonly format: OutputFormat;
  readonly #out: NodeJS.WritableStream;
  readonly #notes: NodeJS.WritableStream;
  readonly #likeGo: boolean;

  /** @param likeGo prints JSON in the shape of headscale 0.29. */
  constructor(format: OutputFormat, out: NodeJS.WritableStream, notes: NodeJS.WritableStream, likeGo = false) {
    this.format = format;
    this.#likeGo = likeGo && format !== "yaml";
    this.#out = out;
    this.#notes = notes;
  }

  get forMachines(): boolean {
    return this.format !== "table" && this.format !== "wide";
  }

  /** A bare array for machines; for people a table, or `none` as a note that keeps standard output empty. */
  async list<D extends DescMessage>(
    schema: D,
    messages: readonly MessageShape<D>[],
    columns: readonly Column<MessageShape<D>>[],
    none: string,
  ): Promise<void> {
    if (this.forMachines) await this.json(await Promise.all(messages.map((message) => this.#shape(schema, message))));
    else if (messages.length === 0) this.note(none);
    else this.line(table(columns, messages, this.format === "wide"));
  }

  /** One message for machines, `text` for people. */
  async message<D extends DescMessage>(schema: D, message: MessageShape<D>, text: string): Promise<void> {
    if (this.forMachines) await this.json(await this.#shape(schema, message));
    else await this.value(null, text);
  }

  /** What was done, when there is nothing else to say. The key's spelling is headscale's. */
  async done(text: string): Promise<void> {
    await this.value({ Result: text }, text);
  }

  async value(json: JsonValue, text: string): Promise<void> {
    if (this.forMachines) await this.json(json);
    else if (text !== "") this.line(text);
  }

  async json(json: JsonValue): Promise<void> {
    this.line(await machineText(this.format, json));
  }

  /** One of many values that come one by one: a line each, or a YAML document each. */
  async streamed(json: JsonValue, text: string): Promise<void> {
    if (!this.forMachines) return this.line(text);
    if (this.format === "yaml") return this.line(`---\n${await machineText("yaml", json)}`);
    this.line(JSON.stringify(json));
  }

  async #shape<D extends DescMessage>(schema: D, message: MessageShape<D>): Promise<JsonValue> {
    if (this.#likeGo) return (await import("./go-json.ts")).toGoJson(schema, message);
    return contractJson(schema, message);
  }

  line(text: string): void {
    this.#out.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Something for people only, beside the data. */
  note(text: string): void {
    this.#notes.write(`${text}\n`);
  }
}

/** Loaded when it is needed: commands like `version` start in half the time without protobuf. */
async function contractJson<D extends DescMessage>(schema: D, message: MessageShape<D>): Promise<JsonValue> {
  return (await import("@headscale/gen/contract-json")).toContractJson(schema, message);
}

/** `json` is indented with tabs, as headscale does. */
export async function machineText(format: OutputFormat, json: JsonValue): Promise<string> {
  if (format === "yaml") return (await import("yaml")).stringify(json, { lineWidth: 0 });
  return JSON.stringify(json, null, format === "json" ? "\t" : undefined);
}
