import { describe, expect, test } from "vitest";
import { tidyHelp } from "./help-text.ts";

describe("tidyHelp", () => {
  test("shows a command's own flags before those of all commands, and no types", () => {
    const help = [
      "headscalectl watch",
      "",
      "With every command:",
      "  -o, --output  How to print the answer",
      '                      [choices: "table", "json"] [default: "table"]',
      "      --force   Do not ask before doing it   [boolean] [default: false]",
      "      --config  Configuration file, with a text so long that it wraps",
      "                                                             [string]",
      "",
      "Options:",
      "      --name  Host name                           [string] [required]",
    ];
    expect(tidyHelp(help.join("\n"))).toBe(`headscalectl watch

Options:
      --name  Host name [required]

With every command:
  -o, --output  How to print the answer
                      [choices: "table", "json"] [default: "table"]
      --force   Do not ask before doing it
      --config  Configuration file, with a text so long that it wraps`);
  });

  test("parts a description that fills its column from the aliases behind it", () => {
    expect(tidyHelp("Commands:\n  ctl list  List all[aliases: ls]")).toBe(
      "Commands:\n  ctl list  List all [aliases: ls]",
    );
  });
});
