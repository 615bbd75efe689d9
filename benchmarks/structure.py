"""How the service is laid out, in numbers: `python benchmarks/structure.py [--package service]`.

Prints the number of modules (direct children of the package), dependencies (ordered pairs of modules: one imports the
other), layers (the longest chain of dependencies) and cycles (pairs of modules that import each other, directly or
through others). Counted with grimp, the import graph behind import-linter; type-checking imports are left out.
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
    modules = sorted(graph.find_children(package))
    imports = {module: _imported_by(graph, module, modules) for module in modules}
    reached = {module: _reachable(module, imports) for module in modules}
    cycles = [(a, b) for a in modules for b in modules if a < b and b in reached[a] and a in reached[b]]
    layers = "undefined" if cycles else str(max(_height(module, imports) for module in modules))
    print(
        f"modules {len(modules)}, dependencies {sum(map(len, imports.values()))}, layers {layers}, cycles {len(cycles)}"
    )
    for a, b in cycles:
        print(f"  {a} <-> {b}")


def _imported_by(graph: grimp.ImportGraph, module: str, modules: list[str]) -> set[str]:
    return {other for other in modules if other != module and graph.direct_import_exists(
        importer=module, imported=other, as_packages=True
    )}  # fmt: skip


def _reachable(module: str, imports: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    pending = [module]
    while pending:
        for other in imports[pending.pop()] - seen:
            seen.add(other)
            pending.append(other)
    return seen


def _height(module: str, imports: dict[str, set[str]]) -> int:
    return 1 + max((_height(other, imports) for other in imports[module]), default=0)


if __name__ == "__main__":
    main()
