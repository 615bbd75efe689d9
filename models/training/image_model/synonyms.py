"""Write `synonyms.json` from Unicode's CLDR: `python -m models.training.image_model.synonyms --annotations FILE`.

FILE is `en/data.json` of the npm package `emojibase-data` (MIT), which contains the English annotations of the Unicode
Common Locale Data Repository (Unicode-3.0 licence): names and keywords of every emoji. Only those that are unique to
one of our objects and can replace its name in a caption are kept.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from .objects import OBJECTS
from .vocabulary import SYNONYMS

SOURCE = "Unicode CLDR English annotations (Unicode-3.0), by way of emojibase-data {} (MIT)"
# Of all keywords, these say what the object is; the others say what it is like, does, belongs to or means. Selected
# by reading all of them.
KEPT = {
    "terrapin", "brachiosaurus", "brontosaurus", "diplodocus", "racehorse", "sow", "lamb", "grizzly", "dromedary",
    "joey", "lady beetle", "beetle", "bumblebee", "serpent", "peahen", "cygnet", "cycle", "jet", "copter", "yacht",
    "saucer", "chapel", "evergreen tree", "evergreen", "fungus", "berry", "icecream", "pastry", "tophat", "futbol",
    "alarm", "plush", "bookbag", "satchel", "vat", "spouting whale", "delivery truck", "closed book", "wrapped gift",
}  # fmt: skip


def main() -> None:
    """Write the table; its source note includes the version of the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=Path, required=True, help="en/data.json of emojibase-data")
    options = parser.parse_args()
    package = json.loads((options.annotations.parents[1] / "package.json").read_text())
    table = {"source": SOURCE.format(package["version"]), "words": choose(json.loads(options.annotations.read_text()))}
    SYNONYMS.write_text(json.dumps(table, indent=1) + "\n")


def choose(annotations: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Additional words for each object. `annotations`: entries with `hexcode`, `label` and `tags`."""
    by_code = {entry["hexcode"].lower(): entry for entry in annotations}
    found = {name: _candidates(by_code, kind.code) for name, kind in OBJECTS.items()}
    owners = Counter(word for words in found.values() for word in words)
    ours = {form for kind in OBJECTS.values() for name in kind.words for form in (name, f"{name}s")}
    chosen = {name: [word for word in words if owners[word] == 1 and word not in ours] for name, words in found.items()}
    return {name: words for name, words in chosen.items() if words}


def _candidates(by_code: dict[str, dict[str, Any]], code: str) -> list[str]:
    entry = by_code.get(code) or by_code.get(code.removesuffix("-fe0f")) or {}
    words = [entry.get("label", ""), *entry.get("tags", ())]
    return [word for word in dict.fromkeys(words) if word in KEPT]


if __name__ == "__main__":
    main()
