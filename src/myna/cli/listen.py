"""`myna listen`: make a blind A/B/X listening test, count its votes, or export it to webMUSHRA."""

from __future__ import annotations

import functools
import json
import operator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from myna.cli.arguments import UNSAID, Argument, Flag, chosen, named, one_or_more, parse, two, whole
from myna.cli.listen_text import tally_text
from myna.cli.messages import print_json, say, shown, unknown
from myna.errors import MynaError, UsageError
from myna.evaluation.suites import SUITES
from myna.files import make_folder, write_atomic
from myna.rounding import rounded

if TYPE_CHECKING:
    from myna.evaluation.listening.sounds import Sounds
    from myna.evaluation.listening.trials import ListeningTest

__all__ = ["run"]


@dataclass(frozen=True)
class Drawn:
    """What both kinds of test are drawn from."""

    suite: Annotated[str, chosen(SUITES)] = "real"
    """whose targets"""
    from_: Annotated[str, named("DIR", "from")] = "out/evaluation"
    """the evaluation that found the presets (default out/evaluation)"""
    a: Annotated[str | None, named("LABEL")] = None
    """one agent in it; may be left out where there are just two"""
    b: Annotated[str | None, named("LABEL")] = None
    """the other"""
    renders: Annotated[int | None, whole(1, 10**9), UNSAID] = None
    """what they had found after so many (default the most that both tell)"""
    matches: Annotated[tuple[str, ...], two("DIR DIR"), UNSAID] = ()
    """compare two folders that `myna match` wrote instead"""
    pairs: Annotated[int, whole(1, 500)] = 24
    """targets to compare them on, drawn from all"""
    traps: Annotated[int, whole(0, 100)] = 2
    """more trials, in which one side is the target itself, to see who listens"""
    seed: Annotated[int, whole(0, 2**63 - 1)] = 0
    """of the draw: targets, order and sides"""
    title: Annotated[str, named("TEXT")] = "Listening test"
    """what the listeners read at the top (default Listening test)"""

    def draw(self) -> ListeningTest:
        """Draw the test, and say on stderr what is not as it was asked for."""
        from myna.evaluation.listening.trials import draw_test

        sounds = self._sounds()
        if len(sounds.names) < self.pairs:
            say(f"{len(sounds.names)} targets are there, so there are as many pairs, not {self.pairs}.")
        test = draw_test(sounds, self.pairs, self.traps, self.seed)
        alike = sum(trial.alike for trial in test.trials if trial.kind == "pair")
        if alike:
            say(f"{alike} of the pairs are the very same sound twice: votes on them are coins.")
        return test

    def _sounds(self) -> Sounds:
        from myna.evaluation.listening.sounds import from_evaluation, from_matches

        if not self.matches:
            return from_evaluation(Path(self.from_), self.suite, (self.a, self.b), self.renders)
        if self.a or self.b or self.renders:
            raise UsageError("--matches compares two folders: leave out --a, --b and --renders.")
        return from_matches(Path(self.matches[0]), Path(self.matches[1]))


@dataclass(frozen=True)
class Make(Drawn):
    """Make a test: a page to give to listeners, and the key to keep.

    Example: myna listen make --suite real --a sac --b cma-es --pairs 24
    """

    out: Annotated[str, named("DIR")] = "out/listen"
    """where listen.html and key.json go (default out/listen)"""
    json: Flag = False
    """print the files as JSON"""

    def run(self) -> int:
        """Write the two files; 0."""
        from myna.evaluation.listening.page import render_test_page

        test = self.draw()
        folder = make_folder(self.out)
        key, page = _keep_key(test, folder), folder / "listen.html"
        write_atomic(page, render_test_page(test, self.title))
        _tell(test, {"page": page, "key": key}, self.json)
        return 0


@dataclass(frozen=True)
class Webmushra(Drawn):
    """Export the test to webMUSHRA: its YAML and WAV files, and the key to keep.

    Example: myna listen webmushra --suite real --a sac --b cma-es --out out/webmushra
    """

    out: Annotated[str, named("DIR")] = "out/webmushra"
    """where configs/ and key.json go (default out/webmushra)"""
    json: Flag = False
    """print the files as JSON"""

    def run(self) -> int:
        """Write the files; 0."""
        from myna.evaluation.listening.webmushra import export

        test = self.draw()
        folder = make_folder(self.out)
        key = _keep_key(test, folder)
        *_, config = export(test, folder, self.title)
        _tell(test, {"config": config, "key": key}, self.json)
        return 0


@dataclass(frozen=True)
class Score:
    """Count the votes: wins, exact binomial p and interval, for each question.

    Example: myna listen score votes-anna.json votes-ben.json --key out/listen/key.json
    """

    files: Annotated[tuple[str, ...], Argument, one_or_more("VOTES…"), UNSAID]
    """votes that listeners downloaded, one file each"""
    key: Annotated[str, named("FILE")] = "out/listen/key.json"
    """of the test (default out/listen/key.json)"""
    json: Flag = False
    """print JSON"""

    def run(self) -> int:
        """Print the result; 0."""
        from myna.evaluation.listening.tally import as_json, tally
        from myna.evaluation.listening.votes import read_ballots, read_key

        key = read_key(self.key)
        found = tally(key, read_ballots(self.files, key))
        if self.json:
            print_json(rounded(as_json(found)))
        else:
            print(tally_text(found))
        return 0


VERBS = {"make": Make, "score": Score, "webmushra": Webmushra}
OPTIONS = functools.reduce(
    operator.or_, (Annotated[options, tyro.conf.subcommand(verb)] for verb, options in VERBS.items())
)


ABOUT = """A blind listening test of two agents: which is closer, which sounds better. `make` may be left out.

Example: myna listen --suite real --pairs 24"""


def run(argv: list[str]) -> int:
    """Run one of the three, `make` where only options are given, and return the exit code."""
    if argv and not argv[0].startswith("-") and argv[0] not in VERBS:
        raise UsageError(unknown("verb", argv[0], [*VERBS]))
    if argv and argv[0].startswith("-") and argv[0] not in ("-h", "--help"):
        argv = ["make", *argv]
    if argv and argv[0] in VERBS:
        return parse(VERBS[argv[0]], f"myna listen {argv[0]}", argv[1:]).run()
    return parse(OPTIONS, "myna listen", argv, ABOUT).run()  # its help, or what is missing


def _keep_key(test: ListeningTest, folder: Path) -> Path:
    """Write the key; never over another test's, without which its votes would say nothing.

    Raises:
        MynaError: one is there.
    """
    path = folder / "key.json"
    text = json.dumps(test.key(), indent=1, ensure_ascii=False) + "\n"
    if path.exists():
        from myna.evaluation.listening.votes import read_key

        if read_key(path).test != test.id:
            raise MynaError(f"{shown(str(path))} is the key of another test: choose another --out, or remove it.")
    write_atomic(path, text)
    return path


def _tell(test: ListeningTest, files: dict[str, Path], as_json: bool) -> None:
    pairs = sum(trial.kind == "pair" for trial in test.trials)
    traps = len(test.trials) - pairs
    if as_json:
        paths = {name: str(path) for name, path in files.items()}
        print_json({"test": test.id, "contenders": list(test.labels), "pairs": pairs, "traps": traps, **paths})
        return
    first, second = map(shown, test.labels)
    print(f"{first} against {second}: {pairs} pairs, {traps} traps")
    for name, path in files.items():
        print(f"  {name:<6} {shown(str(path))}")
