"""The completion scripts of bash, zsh, fish and PowerShell.

A script has every command and option in it: a shell that reads it starts nothing. Only for an
address it calls `tfcert completion addresses`, which reads .tf files. No text of a .tf file is ever
part of a command: a shell takes each line of the answer as one word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from checker.cli.usage.completion import CompletedCommand, CompletedOption, Slot

_ADDRESSES = ("certificates", "stages")


def bash_script(commands: Sequence[CompletedCommand]) -> str:
    """Return the script for bash 3.2 or later; it needs no package of functions."""
    return f"""\
# bash completion of tfcert, from `tfcert completion bash`.
# Now: eval "$(tfcert completion bash)"
# For good: tfcert completion bash > ~/.tfcert.bash; put `source ~/.tfcert.bash` into ~/.bashrc
_tfcert() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}"
    local verb= word words= kind= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$verb ${{COMP_WORDS[i]}}" in
{_cases((f"{_quoted(_key(each.path))}) verb={_quoted(each.path)};;" for each in commands[1:]), 12)}
        esac
    done
    # bash splits --option=value into three words.
    if [[ "$cur" == "=" ]]; then
        cur=
    elif [[ "$prev" == "=" ]]; then
        prev="${{COMP_WORDS[COMP_CWORD-2]}}"
    fi
    case "$verb $prev" in
{_cases(_bash_values(commands), 8)}
    esac
    if [[ -z "$kind" ]]; then
        case "$verb" in
{_cases(_bash_places(commands), 12)}
        esac
    fi
    COMPREPLY=()
    case "$kind" in
        words)
            compopt +o default 2>/dev/null
            for word in $words; do
                [[ "$word" == "$cur"* ]] && COMPREPLY+=("$word")
            done;;
        certificates|stages)
            compopt +o default 2>/dev/null
            while IFS= read -r word; do
                [[ "$word" == "$cur"* ]] && COMPREPLY+=("$word")
            done < <("${{COMP_WORDS[0]}}" completion addresses "$kind" -- "${{COMP_WORDS[@]:1}}" \\
                2>/dev/null </dev/null);;
        folders)
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen -d -- "$cur");;
        text)
            compopt +o default 2>/dev/null;;
    esac
}}
complete -o default -F _tfcert tfcert
"""


def _bash_values(commands: Sequence[CompletedCommand]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.value is not None:
                names = "|".join(_quoted(f"{command.path} {name}") for name in option.names)
                yield f"{names}) {_bash_slot(option.value)};;"


def _bash_places(commands: Sequence[CompletedCommand]) -> Iterator[str]:
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        own = " ".join(name for name, _ in command.commands)
        rest = f"kind=words words={_quoted(own)}" if own else _bash_slot(command.argument)
        yield (
            f'{_quoted(command.path)}) if [[ "$cur" == -* ]]; then kind=words '
            f"words={_quoted(names)}; else {rest}; fi;;"
        )


def _bash_slot(slot: Slot) -> str:
    words = f" words={_quoted(' '.join(slot.words))}" if slot.words else ""
    return f"kind={slot.kind}{words}"


def zsh_script(commands: Sequence[CompletedCommand]) -> str:
    """Return the script for zsh: a function file, which may also be evaluated."""
    return f"""\
#compdef tfcert
# zsh completion of tfcert, from `tfcert completion zsh`.
# Now, after compinit: eval "$(tfcert completion zsh)"
# For good: write it to a file _tfcert in a folder of $fpath
_tfcert() {{
    local cur="$words[CURRENT]" prev="$words[CURRENT-1]" verb= kind= word
    local -a values options places
    integer i
    for ((i = 2; i < CURRENT; i++)); do
        case "$verb $words[i]" in
{_cases((f"{_quoted(_key(each.path))}) verb={_quoted(each.path)};;" for each in commands[1:]), 12)}
        esac
    done
    if [[ "$cur" == --*=* ]]; then
        prev="${{cur%%=*}}"
        compset -P '*='
    fi
    case "$verb $prev" in
{_cases(_zsh_values(commands), 8)}
    esac
    case "$verb" in
{_cases(_zsh_places(commands), 8)}
    esac
    if [[ -z "$kind" && "$cur" == -* ]]; then
        _describe -o option options
        return
    fi
    if [[ -z "$kind" && $#places -gt 0 ]]; then
        _describe command places
        return
    fi
    case "${{kind:-$place}}" in
        words) compadd -- $values;;
        certificates|stages)
            values=("${{(@f)$("$words[1]" completion addresses "${{kind:-$place}}" -- \\
                "${{(@)words[2,-1]}}" 2>/dev/null </dev/null)}}")
            compadd -- ${{(@)values:#}};;
        folders) _files -/;;
        files) _files;;
    esac
}}
if [[ "$funcstack[1]" == _tfcert ]]; then
    _tfcert "$@"
else
    compdef _tfcert tfcert
fi
"""


def _zsh_values(commands: Sequence[CompletedCommand]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.value is not None:
                names = "|".join(_quoted(f"{command.path} {name}") for name in option.names)
                words = " ".join(map(_quoted, option.value.words))
                values = f" values=({words})" if words else ""
                yield f"{names}) kind={option.value.kind}{values};;"


def _zsh_places(commands: Sequence[CompletedCommand]) -> Iterator[str]:
    for command in commands:
        options = " ".join(
            _quoted(f"{name.replace(':', chr(92) + ':')}:{option.about}")
            for option in command.options
            for name in option.names
        )
        own = " ".join(_quoted(f"{name}:{about}") for name, about in command.commands)
        words = " ".join(map(_quoted, command.argument.words))
        set_values = f' [[ -z "$kind" ]] && values=({words});' if words else ""
        yield (
            f"{_quoted(command.path)}) options=({options}); places=({own});{set_values} "
            f"local place={command.argument.kind};;"
        )


def fish_script(commands: Sequence[CompletedCommand]) -> str:
    """Return the script for fish 3.1 or later."""
    cases = "".join(
        f"            case {_fish(_key(each.path))}\n                set verb {_fish(each.path)}\n"
        for each in commands[1:]
    )
    lines = "\n".join(line for each in commands for line in _fish_lines(each))
    return f"""\
# fish completion of tfcert, from `tfcert completion fish`.
# Now: tfcert completion fish | source
# For good: tfcert completion fish > ~/.config/fish/completions/tfcert.fish
function __tfcert_at
    set -l words (commandline -opc)
    set -l verb ''
    for word in $words[2..-1]
        switch "$verb $word"
{cases}        end
    end
    test "$verb" = "$argv[1]"
end
function __tfcert_addresses
    set -l words (commandline -opc)
    $words[1] completion addresses $argv[1] -- $words[2..-1] 2>/dev/null </dev/null
end
complete -c tfcert -f
{lines}
"""


def _fish_lines(command: CompletedCommand) -> Iterator[str]:
    here = f"complete -c tfcert -n {_fish(f'__tfcert_at {_fish(command.path)}')}"
    for name, about in command.commands:
        yield f"{here} -a {_fish(name)} -d {_fish(about)}"
    if not command.commands and command.argument.kind != "text":
        yield f"{here} {_fish_slot(command.argument, required=False)}"
    for option in command.options:
        yield f"{here}{_fish_names(option)} -d {_fish(option.about)}{_fish_value(option)}"


def _fish_names(option: CompletedOption) -> str:
    return "".join(
        f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names
    )


def _fish_value(option: CompletedOption) -> str:
    return "" if option.value is None else f" {_fish_slot(option.value, required=True)}"


def _fish_slot(slot: Slot, *, required: bool) -> str:
    match slot.kind:
        case "files":
            return "-r -F" if required else "-F"
        case "folders":
            return f"{'-x ' if required else ''}-a '(__fish_complete_directories)'"
        case "certificates" | "stages":
            return f"{'-x ' if required else ''}-a '(__tfcert_addresses {slot.kind})'"
        case "words":
            return f"{'-x ' if required else ''}-a {_fish(' '.join(slot.words))}"
        case "text":
            return "-x" if required else ""


def powershell_script(commands: Sequence[CompletedCommand]) -> str:
    """Return the script for PowerShell 5.1 or later."""
    rows = "\n".join(f"    {_ps(each.path)} = @{{ {_ps_command(each)} }}" for each in commands)
    return f"""\
# PowerShell completion of tfcert, from `tfcert completion powershell`.
# Now: tfcert completion powershell | Out-String | Invoke-Expression
# For good: put that line into the file that $PROFILE names
$script:TfcertCommands = @{{
{rows}
}}
Register-ArgumentCompleter -Native -CommandName tfcert -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $given = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }} |
        ForEach-Object {{ $_.ToString() }})
    $verb = ''
    foreach ($word in $given) {{
        $longer = "$verb $word".Trim()
        if ($script:TfcertCommands.ContainsKey($longer)) {{ $verb = $longer }}
    }}
    $here = $script:TfcertCommands[$verb]
    $last = if ($given.Count) {{ $given[-1] }} else {{ '' }}
    $words = if ($here.Values.ContainsKey($last)) {{
        $here.Values[$last]
    }} elseif ($wordToComplete -like '-*') {{
        $here.Options
    }} else {{
        $here.Words
    }}
    if ($words.Count -eq 1 -and $words[0] -in '<certificates>', '<stages>') {{
        $program = $commandAst.CommandElements[0].ToString()
        $words = & $program completion addresses $words[0].Trim('<', '>') '--' @given 2>$null
    }}
    @($words) | Where-Object {{ $_ -and $_.StartsWith($wordToComplete) }} |
        ForEach-Object {{ [System.Management.Automation.CompletionResult]::new($_) }}
}}
"""


def _ps_command(command: CompletedCommand) -> str:
    names = [name for option in command.options for name in option.names]
    values = "; ".join(
        f"{_ps(name)} = {_ps_list(_ps_words(option.value))}"
        for option in command.options
        if option.value is not None
        for name in option.names
    )
    words = [name for name, _ in command.commands] or _ps_words(command.argument)
    return f"Options = {_ps_list(names)}; Words = {_ps_list(words)}; Values = @{{ {values} }}"


def _ps_words(slot: Slot) -> Sequence[str]:
    return (f"<{slot.kind}>",) if slot.kind in _ADDRESSES else slot.words


def _ps_list(words: Iterable[str]) -> str:
    return f"@({', '.join(map(_ps, words))})"


def _key(path: str) -> str:
    """Return the word before a command's last one, and that word, as the scripts compare them."""
    before, _, last = path.rpartition(" ")
    return f"{before} {last}"


def _cases(lines: Iterable[str], indent: int) -> str:
    return "\n".join(f"{' ' * indent}{line}" for line in lines)


def _quoted(text: str) -> str:
    """Return a word of bash or zsh, in single quotes."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    """Return a word of fish, in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _ps(text: str) -> str:
    """Return a text of PowerShell, in single quotes."""
    return "'" + text.replace("'", "''") + "'"


SCRIPTS = {
    "bash": bash_script,
    "zsh": zsh_script,
    "fish": fish_script,
    "powershell": powershell_script,
}
