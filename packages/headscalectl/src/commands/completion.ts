import type { Run } from "#command.ts";
import type { Commands } from "#flags.ts";

const shells = ["bash", "zsh", "fish", "powershell"] as const;

export function completion(commands: Commands, run: Run): Commands {
  return commands.command(
    "$0 <shell>",
    "Print a script that completes commands: eval it, or put it where the shell looks for such scripts",
    (command) => command.positional("shell", { choices: shells, demandOption: true, describe: "Whose script" }),
    run(async ({ output }, { shell }) => output.line(scripts[shell])),
  );
}

/** Each asks the command line itself what can follow: `headscalectl --get-yargs-completions WORDS`. */
const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `_headscalectl() {
  local replies
  replies="$(headscalectl --get-yargs-completions headscalectl "\${COMP_WORDS[@]:1:COMP_CWORD}")"
  mapfile -t COMPREPLY < <(compgen -W "$replies" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _headscalectl headscalectl
`,
  zsh: `#compdef headscalectl
_headscalectl() {
  local -a replies
  replies=("\${(@f)$(headscalectl --get-yargs-completions "\${words[@]:0:$CURRENT}")}")
  compadd -- "\${(@)replies%%:*}"
}
compdef _headscalectl headscalectl
`,
  fish: `complete -c headscalectl -f -a '(headscalectl --get-yargs-completions (commandline -opc) (commandline -ct))'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName headscalectl -ScriptBlock {
  param($word, $line)
  $words = @($line.CommandElements | ForEach-Object { $_.ToString() })
  if ($word -eq '') { $words += '' }
  headscalectl --get-yargs-completions @words | Where-Object { $_ -like "$word*" }
}
`,
};
