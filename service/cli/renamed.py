"""Commands and options that had another name in version 0.1. The old name still works, with a warning."""

from collections.abc import Iterator, Sequence

COMMANDS = {("held",): ("review",), ("models", "export"): ("models", "add-classifier")}
OPTIONS = {(("benchmark",), "--fake"): "--synthetic", (("models", "audit-adapter"), "--pictures"): "--images"}


def translate(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """A command line in the names of today, and a warning for each name that changed."""
    now, warnings = list(words), []
    for old, new in COMMANDS.items():
        if tuple(now[: len(old)]) == old:
            now[: len(old)] = new
            warnings.append(_warning(f"`countermark {' '.join(old)}`", f"`countermark {' '.join(new)}`"))
    for (command, option), renamed in OPTIONS.items():
        if tuple(now[: len(command)]) == command and option in _names(now):
            now = [_replaced(word, option, renamed) for word in now]
            warnings.append(_warning(option, renamed))
    return now, warnings


def _names(words: Sequence[str]) -> Iterator[str]:
    return (word.partition("=")[0] for word in words)


def _replaced(word: str, option: str, renamed: str) -> str:
    name, equals, value = word.partition("=")
    return renamed + equals + value if name == option else word


def _warning(old: str, new: str) -> str:
    return f"{old} is now {new}; the old name stops working in the next version"
