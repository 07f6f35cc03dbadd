/** `exp completion`: names of commands for bash, zsh and fish. */

import { usage } from "../args.ts";
import { COMMAND_TREE } from "../command-tree.ts";
import { EXIT } from "../exit-codes.ts";
import type { Command } from "../session.ts";

export const completion: Command = {
  examples: [['eval "$(exp completion bash)"', "in ~/.bashrc"]],
  async run(session, args) {
    const shell = args.required("shell");
    const script = SCRIPTS.get(shell);
    if (!script)
      throw usage(`no completion for ${JSON.stringify(shell)}`, `there are: ${[...SCRIPTS.keys()].join(", ")}`);
    await session.out.data(script());
    return EXIT.ok;
  },
};

const names = () => COMMAND_TREE.map(({ name }) => name).join(" ");

const SCRIPTS = new Map<string, () => string>([
  [
    "bash",
    () => `_exp() {
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names()}" -- "\${COMP_WORDS[1]}"))
  else
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -o filenames -F _exp exp
`,
  ],
  [
    "zsh",
    () =>
      `#compdef exp\n_exp() {\n  if (( CURRENT == 2 )); then\n    compadd ${names()}\n  else\n    _files\n  fi\n}\ncompdef _exp exp\n`,
  ],
  [
    "fish",
    () =>
      COMMAND_TREE.map(
        ({ name, summary }) =>
          `complete -c exp -n __fish_use_subcommand -f -a ${name} -d '${summary.replaceAll("'", "\\'")}'\n`,
      ).join(""),
  ],
]);
