"""Write the digests of a model's files into its card: `python -m models.training.card NAME`."""

import hashlib
import json
import sys

from models.cards import CARDS, find_card


def main(name: str) -> None:
    root = find_card(name).source.root()
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".md")
    digests = {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    path = CARDS / f"{name}.json"
    card = {**json.loads(path.read_text(encoding="utf-8")), "files": digests}
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
