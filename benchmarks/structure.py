"""How the service is layered: `python benchmarks/structure.py [--package service]`.

Prints rooms (direct children of the package), arrows (pairs of rooms of which one imports the other), floors (the
longest chain of imports between rooms) and circles (pairs that import each other, directly or through others). Counted
by grimp, the import graph behind import-linter; type-checking imports do not count.
"""

import argparse
import sys
from pathlib import Path

import grimp

sys.path.insert(0, str(Path.cwd()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", default="service")
    package = parser.parse_args().package
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    rooms = sorted(graph.find_children(package))
    below = {room: _imported_by(graph, room, rooms) for room in rooms}
    reached = {room: _reachable(room, below) for room in rooms}
    circles = [(a, b) for a in rooms for b in rooms if a < b and b in reached[a] and a in reached[b]]
    floors = "none: there are circles" if circles else str(max(_height(room, below) for room in rooms))
    print(f"rooms {len(rooms)}, arrows {sum(map(len, below.values()))}, floors {floors}, circles {len(circles)}")
    for a, b in circles:
        print(f"  {a} <-> {b}")


def _imported_by(graph: grimp.ImportGraph, room: str, rooms: list[str]) -> set[str]:
    return {other for other in rooms if other != room and graph.direct_import_exists(
        importer=room, imported=other, as_packages=True
    )}  # fmt: skip


def _reachable(room: str, below: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [room]
    while waiting:
        for other in below[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return seen


def _height(room: str, below: dict[str, set[str]]) -> int:
    return 1 + max((_height(other, below) for other in below[room]), default=0)


if __name__ == "__main__":
    main()
