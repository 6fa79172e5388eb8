/** Heading of the flags that every command has. */
export const everywhere = "With every command:";

/**
 * yargs' help as it is shown: a command's own flags before those of all commands, and without what a reader of flags
 * knows anyway, their types and that they are off unless given.
 */
export function tidyHelp(help: string): string {
  const sections = help.split("\n\n").map(tidySection).filter(Boolean);
  const general = sections.findIndex((section) => section.startsWith(everywhere));
  const own = sections.findIndex((section) => section.startsWith("Options:"));
  if (general !== -1 && own > general) sections.splice(general, 0, ...sections.splice(own, 1));
  return sections.join("\n\n");
}

function tidySection(section: string): string {
  return section
    .split("\n")
    .map((line) =>
      line
        .replace(/\s*\[(boolean|string|array)\]|\s*\[default: false\]/g, "")
        .replace(/(?<=\S)(?=\[aliases: )/, " ")
        .trimEnd(),
    )
    .filter((line, index, lines) => line !== "" || lines.length === 1 || index === 0)
    .join("\n");
}
