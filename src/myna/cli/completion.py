"""`myna completion`: the script by which a shell completes verbs, options and choices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from myna.cli.arguments import Argument, chosen, parse
from myna.cli.grammar import Place, grammar

__all__ = ["SHELLS", "Options", "run", "script"]

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Options:
    """Print a script that completes myna's verbs, options and choices in a shell.

    Example for bash: myna completion bash > ~/.local/share/bash-completion/completions/myna

    Example for zsh: myna completion zsh > ~/.zfunc/_myna, a folder that must be in $fpath

    Example for fish: myna completion fish > ~/.config/fish/completions/myna.fish
    """

    shell: Annotated[str, Argument, chosen(SHELLS)]
    """which"""


def run(argv: list[str]) -> int:
    """Print the script; 0."""
    options = parse(Options, "myna completion", argv)
    from myna.cli.main import VERBS

    print(script(options.shell, grammar(VERBS)))
    return 0


def script(shell: str, places: Mapping[str, Place]) -> str:
    """The script of one of `SHELLS` for what `grammar` found."""
    makers: dict[str, Callable[[Mapping[str, Place]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return makers[shell](places)


# bash and zsh: the same cases, for a `place` (verb, or verb and its own verb) and the word `before`


_BASH = """# bash completion for myna: `myna completion bash`
_myna() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" place="${{COMP_WORDS[1]}}"
    local options="--help" values="" words="" count=$COMP_CWORD
    COMPREPLY=()
    if (( count == 1 )); then
        words="{verbs}"
    fi
    case "$place" in
{own}
    esac
    (( count > 1 )) && case "$place" in
{places}
    esac
    case "$place $before" in
{values}
    esac
    if [[ -n "$values" ]]; then
        COMPREPLY=( $(compgen -W "$values" -- "$word") )
    elif [[ "$word" == -* ]]; then
        COMPREPLY=( $(compgen -W "$options" -- "$word") )
    elif [[ -n "$words" ]]; then
        COMPREPLY=( $(compgen -W "$words" -- "$word") )
    fi
}}
complete -o default -F _myna myna"""

_ZSH = """#compdef myna
# zsh completion for myna: `myna completion zsh`
_myna() {{
    local word="${{words[CURRENT]}}" before="${{words[CURRENT-1]}}" place="${{words[2]}}"
    local options="--help" values="" words_="" count=$(( CURRENT - 1 ))
    if (( count == 1 )); then
        words_="{verbs}"
    fi
    case "$place" in
{own}
    esac
    (( count > 1 )) && case "$place" in
{places}
    esac
    case "$place $before" in
{values}
    esac
    if [[ -n "$values" ]]; then
        compadd -- ${{=values}}
    elif [[ "$word" == -* ]]; then
        compadd -- ${{=options}}
    elif [[ -n "$words_" ]]; then
        compadd -- ${{=words_}}
    else
        _files
    fi
}}
compdef _myna myna"""


def _bash(places: Mapping[str, Place]) -> str:
    return _with_cases(_BASH, places, "words", "${COMP_WORDS[2]}")


def _zsh(places: Mapping[str, Place]) -> str:
    return _with_cases(_ZSH, places, "words_", "${words[3]}")


def _with_cases(template: str, places: Mapping[str, Place], words: str, second: str) -> str:
    own = [
        f'        {name}) if (( count == 2 )); then {words}="{_line(place.verbs)}"; fi; place="$place {second}";'
        f" count=$(( count - 1 )) ;;"
        for name, place in places.items()
        if place.verbs
    ]
    cases = [f'        "{at}") options="{_line(place.options)}"{_and(words, place)} ;;' for at, place in _flat(places)]
    values = [
        f'        "{at} {flag}") values="{_line(choices)}" ;;'
        for at, place in _flat(places)
        for flag, choices in place.options.items()
        if choices
    ]
    lines = {"own": "\n".join(own), "places": "\n".join(cases), "values": "\n".join(values)}
    return template.format(verbs=_line(places), **lines)


def _and(words: str, place: Place) -> str:
    return f' {words}="{_line(place.words)}"' if place.words else ""


def _flat(places: Mapping[str, Place]) -> Iterator[tuple[str, Place]]:
    """Places by what was typed so far."""
    for name, place in places.items():
        yield name, place
        for own, inner in place.verbs.items():
            yield f"{name} {own}", inner


def _line(words: Iterable[str]) -> str:
    """Words as a shell splits them; none may hold what a shell would read otherwise."""
    found = [*words]
    assert all(re.fullmatch(r"[A-Za-z0-9_+.-]+", word) for word in found), found  # noqa: S101 - our own names
    return " ".join(found)


# fish: a line for each word


_FISH = """# fish completion for myna: `myna completion fish`
function __myna_at
    set -l typed (commandline -opc)
    set -e typed[1]
    for i in (seq (count $argv))
        test "$typed[$i]" = "$argv[$i]"; or return 1
    end
end
function __myna_typed
    test (count (commandline -opc)) -eq $argv[1]
end"""


def _fish(places: Mapping[str, Place]) -> str:
    lines = [_FISH]
    lines += [_offer("__myna_typed 1", f"-xa {name}", place.about) for name, place in places.items()]
    for name, place in places.items():
        for own, inner in place.verbs.items():
            lines.append(_offer(f"__myna_at {name}; and __myna_typed 2", f"-xa {own}", inner.about))
    for at, place in _flat(places):
        if place.words:
            lines.append(_offer(f"__myna_at {at}", f"-xa '{_line(place.words)}'", ""))
        for flag, choices in place.options.items():
            follows = "" if choices == () else f" -xa '{_line(choices)}'" if choices else " -r"
            lines.append(_offer(f"__myna_at {at}", f"-l {flag.removeprefix('--')}{follows}", ""))
    return "\n".join(lines)


def _offer(when: str, what: str, about: str) -> str:
    told = about.replace("\\", "").replace("'", "’")
    return f"complete -c myna -n '{when}' {what}" + (f" -d '{told}'" if told else "")
