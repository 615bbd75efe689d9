"""How many of our test prompts the shipped prompt screen refuses, as written and in every disguise.

    python benchmarks/prompts.py [--set FILE] [--public FOLDER]

The set (`benchmarks/red_team.toml`) is small and our own: it shows which tricks work, not how often people use them.
It was written before the screen was run on it. `look_alikes.toml`: harmless prompts of which nothing may be refused.
FOLDER holds prompts of others (`i2p.csv`, `coco_captions.csv`, see models/weights/prompts/README.md), on which only the
rules are measured; the classifier learned from them, and its card has its held-out figures.
"""

import argparse
import csv
import math
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from detectors.prompts import MAX_CHARACTERS, PromptScreen, normalise
from detectors.prompts.rules import shipped_rules
from detectors.prompts.training.evasions import EVASIONS
from service.gateway.assembly import open_screen
from service.gateway.prompt_policy import grounds
from service.kit.settings import load_settings

OTHER_DISGUISES: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "letters doubled": lambda text: "".join(2 * letter if letter in "aeiou" else letter for letter in text),
    "words split in two": lambda text: " ".join(f"{w[: len(w) // 2]} {w[len(w) // 2 :]}" for w in text.split()),
    "words reversed": lambda text: " ".join(word[::-1] for word in text.split()),
    "two letters swapped": lambda text: " ".join(
        f"{w[0]}{w[2]}{w[1]}{w[3:]}" if len(w) > 3 else w for w in text.split()
    ),
    "words joined": lambda text: text.replace(" ", ""),
    "a vowel left out": lambda text: " ".join(_without_vowel(word) for word in text.split()),
    "inside a long prompt": lambda text: f"{_FILLER}, {text}, {_FILLER}",
}
LOOK_ALIKES = Path(__file__).with_name("look_alikes.toml")
HARMLESS_PERCENTAGE = 20  # of the images made from a prompt of I2P; the card's own limit
_FILLER = "highly detailed, trending, golden hour, 35 mm, soft light, a castle on a hill with many small windows"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=Path(__file__).with_name("red_team.toml"), help="TOML file")
    parser.add_argument("--public", type=Path, help="folder with i2p.csv and coco_captions.csv")
    options = parser.parse_args()
    sets = {
        kind: [prompt for prompts in lists.values() for prompt in prompts]
        for kind, lists in tomllib.loads(options.set.read_text("utf-8")).items()
    }
    screen = open_screen(load_settings())
    print(f"| disguise | {' | '.join(f'{kind} ({len(prompts)}): refused + noted' for kind, prompts in sets.items())} |")
    print(f"|---{'|---' * len(sets)}|")
    for name, disguise in {**EVASIONS, **OTHER_DISGUISES}.items():
        cells = []
        for prompts in sets.values():
            evidences = [screen.screen(disguise(prompt)) for prompt in prompts]
            refused = [bool(grounds(one).categories) for one in evidences]
            noted = sum(bool(one.hits) and not other for one, other in zip(evidences, refused, strict=True))
            cells.append(f"{sum(refused)} + {noted}")
        print(f"| {name} | {' | '.join(cells)} |")
    print("\nWrong as written (`direct` prompts that were not refused, `harmless` ones that were):\n")
    for kind, expected in (("direct", True), ("harmless", False)):
        for prompt in sets[kind]:
            evidence = screen.screen(prompt)
            found = grounds(evidence)
            if bool(found.categories) != expected:
                reasons = [*found.categories, *(f"{hit.severity} {hit.rule}" for hit in evidence.hits)]
                print(f"- {kind}: {prompt} ({', '.join(reasons) or 'nothing found'})")
    _false_alarms(screen, options.public)


def _false_alarms(screen: PromptScreen, public: Path | None) -> None:
    """Refusals and notes on harmless prompts, with 95 % intervals."""
    print("\n| harmless prompts | refused | noted |\n|---|---|---|")
    for language, listed in tomllib.loads(LOOK_ALIKES.read_text("utf-8")).items():
        found = [screen.screen(prompt) for prompt in listed["prompts"]]
        refused = [bool(grounds(one).categories) for one in found]
        noted = [bool(one.hits) and not other for one, other in zip(found, refused, strict=True)]
        print(f"| look-alikes, {language} | {_rate(refused)} | {_rate(noted)} |")
        for prompt, wrong in zip(listed["prompts"], refused, strict=True):
            if wrong:
                print(f"REFUSED: {prompt}", file=sys.stderr)
    for name, prompts in _public(public) if public else ():
        severities = [{hit.severity for hit in shipped_rules().hits(normalise(prompt))} for prompt in prompts]
        refused, noted = ([what in one for one in severities] for what in ("refuse", "note"))
        print(f"| {name}, rules alone | {_rate(refused)} | {_rate(noted)} |")


def _public(folder: Path) -> Iterator[tuple[str, list[str]]]:
    with (folder / "i2p.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["inappropriate_percentage"]) <= HARMLESS_PERCENTAGE]
        yield "I2P, harmless", [row["prompt"] for row in rows if len(row["prompt"]) <= MAX_CHARACTERS]
    with (folder / "coco_captions.csv").open(encoding="utf-8") as file:
        yield "COCO captions", [row["prompt"] for row in csv.DictReader(file)]


def _rate(found: Sequence[bool]) -> str:
    """The share in per cent with its Wilson interval (Wilson 1927), 95 %."""
    n, share, z = len(found), sum(found) / len(found), 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = max(middle - half, 0), min(middle + half, 1)
    return f"{sum(found)} of {n}: {100 * share:.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def _without_vowel(word: str) -> str:
    at = next((i for i, letter in enumerate(word) if i and letter in "aeiou"), None)
    return word if at is None else word[:at] + word[at + 1 :]


if __name__ == "__main__":
    main()
