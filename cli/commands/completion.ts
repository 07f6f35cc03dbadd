/** `exp completion`: what a shell needs to complete commands, options, and names that the coordinator knows. */
import { usage } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import type { Command } from "../session.ts";

export const completion: Command = {
  examples: [
    ['eval "$(exp completion bash)"', "in ~/.bashrc"],
    ['eval "$(exp completion zsh)"', "in ~/.zshrc, after compinit"],
    ["exp completion fish | source", "in ~/.config/fish/config.fish"],
  ],
  async run(session, args) {
    const shell = args.required("shell");
    const script = SCRIPTS.get(shell);
    if (!script)
      throw usage(`no completion for ${JSON.stringify(shell)}`, `there are: ${[...SCRIPTS.keys()].join(", ")}`);
    await session.out.data(script);
    return EXIT.ok;
  },
};

const SCRIPTS = new Map<string, string>([
  [
    "bash",
    `_exp() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line
  [ "$cur" = "=" ] && cur=
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _exp exp
`,
  ],
  [
    "zsh",
    `#compdef exp
_exp() {
  local line
  local -a lines values
  lines=("\${(@f)$("\${words[1]}" __complete zsh "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${lines[1]}" == ":files" ]]; then
    _files
    return
  fi
  for line in "\${lines[@]}"; do
    [[ -n "$line" ]] && values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( \${#values} )) && _describe -t values exp values
}
compdef _exp exp
`,
  ],
  [
    "fish",
    `function __exp_complete
  set -l typed (commandline -opc) (commandline -ct)
  set -l lines ($typed[1] __complete fish $typed[2..] 2>/dev/null)
  if test "$lines[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $lines
  end
end
complete -c exp -f -a '(__exp_complete)'
`,
  ],
]);
