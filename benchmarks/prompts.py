"""How many of our test prompts the shipped prompt screen refuses, as written and in every disguise.

    python benchmarks/prompts.py [--set FILE]

The set (`benchmarks/red_team.toml`) is small and our own: it shows which tricks work, not how often people use them.
It was written before the screen was run on it. For figures on public data sets, see models/weights/prompts/README.md.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from detectors.prompts.training.evasions import EVASIONS
from service.gateway.assembly import open_screen
from service.gateway.prompt_policy import grounds
from service.kit.settings import load_settings

OTHER_DISGUISES: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "letters doubled": lambda text: "".join(2 * letter if letter in "aeiou" else letter for letter in text),
    "words split in two": lambda text: " ".join(f"{w[: len(w) // 2]} {w[len(w) // 2 :]}" for w in text.split()),
    "words joined": lambda text: text.replace(" ", ""),
    "a vowel left out": lambda text: " ".join(_without_vowel(word) for word in text.split()),
    "inside a long prompt": lambda text: f"{_FILLER}, {text}, {_FILLER}",
}
_FILLER = "highly detailed, trending, golden hour, 35 mm, soft light, a castle on a hill with many small windows"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=Path(__file__).with_name("red_team.toml"), help="TOML file")
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


def _without_vowel(word: str) -> str:
    at = next((i for i, letter in enumerate(word) if i and letter in "aeiou"), None)
    return word if at is None else word[:at] + word[at + 1 :]


if __name__ == "__main__":
    main()
