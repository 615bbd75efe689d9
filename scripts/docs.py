#!/usr/bin/env python3
"""Write the documentation that is derived from the code, or with --check fail if it is out of date.

docs/cli.md (every --help), docs/settings.md, docs/errors.md, docs/reasons.md, docs/report.schema.json, docs/tasks.md,
docs/declarations.md, and the tables in docs/architecture.md, docs/archives.md and docs/laws.md.
"""

import argparse
import ast
import inspect
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import typer
from typer import _click as click  # the copy of Click that typer builds its commands of

from detectors.declared import declarations as declared
from detectors.declared.table import rules
from models import TASKS
from service.archives.row import Row
from service.cli.app import EPILOG, app
from service.examiner.report import CONFLICTS, REASONS, VERSION, Report
from service.kit.errors import Error, tree
from service.kit.settings import PREFIX, Settings
from service.labels import PROFILES
from service.labels.visible import TEXTS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
NOTE = "<!-- Written by scripts/docs.py; do not edit. -->\n\n"
LABEL_RULES = re.compile(r"(<!-- label rules: .*? -->\n).*?(<!-- /label rules -->)", re.DOTALL)
LAWS = re.compile(r"(<!-- laws: .*? -->\n).*?(<!-- /laws -->)", re.DOTALL)
PACKAGES = re.compile(r"(<!-- packages: .*? -->\n).*?(<!-- /packages -->)", re.DOTALL)
COLUMNS = re.compile(r"(<!-- columns: .*? -->\n).*?(<!-- /columns -->)", re.DOTALL)
ROOTS = ("service", "detectors", "watermark", "models")


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "cli.md": NOTE + "\n".join(cli()),
        "settings.md": NOTE + "\n".join(settings()),
        "errors.md": NOTE + "\n".join(errors()),
        "reasons.md": NOTE + "\n".join(reasons()),
        "report.schema.json": schema(),
        "architecture.md": architecture((DOCS / "architecture.md").read_text(encoding="utf-8")),
        "archives.md": archives((DOCS / "archives.md").read_text(encoding="utf-8")),
        "tasks.md": NOTE + "\n".join(tasks()),
        "laws.md": laws((DOCS / "laws.md").read_text(encoding="utf-8")),
        "declarations.md": NOTE + "\n".join(declarations()),
    }


def cli() -> Iterator[str]:
    yield "# The command line\n"
    yield EPILOG + "\n"
    root = typer.main.get_command(app)
    context = click.Context(
        root, info_name="countermark", max_content_width=100, terminal_width=100, **root.context_settings
    )
    yield from command(root, context, 2)


def command(this: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {context.command_path}\n\n```text\n{this.get_help(context).strip()}\n```\n"
    for name, child in sorted(getattr(this, "commands", {}).items()):
        inner = click.Context(child, parent=context, info_name=name, max_content_width=100, terminal_width=100)
        yield from command(child, inner, depth + 1)


def settings() -> Iterator[str]:
    yield "# Settings\n"
    yield "Settings are environment variables. Countermark does not start with an unknown `COUNTERMARK_` variable.\n"
    yield "| variable | default | meaning |\n|---|---|---|"
    for name, field in Settings.model_fields.items():
        yield f"| `{PREFIX}{name.upper()}` | {default(name, field.default)} | {field.description} |"
    yield ""


def default(name: str, value: object) -> str:
    cores = "the number of cores, at most 4"
    machine = {"home": "the platform's data folder", "threads": cores, "parser_processes": cores}
    shown = ",".join(value) if isinstance(value, tuple) else value
    return machine.get(name) or ("unset" if value is None else f"`{shown}`")


def errors() -> Iterator[str]:
    yield "# Errors\n"
    yield (
        "Every error has a stable `code`. The HTTP API returns it as `application/problem+json` with the status below; "
        "the command line prints it and ends with the exit code below.\n"
    )
    yield "| error | code | HTTP | exit | what to do |\n|---|---|---|---|---|"
    for error in dict.fromkeys(tree(Error)):
        yield f"| {error.__name__} | `{error.code}` | {error.status} | {error.exit_code} | {error.hint} |"
    yield ""


def reasons() -> Iterator[str]:
    yield "# Reasons and conflicts\n"
    yield "A report gives reasons for its verdict and lists conflicts between pieces of evidence. Codes are stable.\n"
    for title, codes in (("Reasons", REASONS), ("Conflicts", CONFLICTS)):
        yield f"## {title}\n\n| code | meaning |\n|---|---|"
        yield from (f"| `{code}` | {text} |" for code, text in codes.items())
        yield ""


def schema() -> str:
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:countermark:report:{VERSION}",
        **Report.model_json_schema(mode="serialization"),
    }
    return json.dumps(described, indent=2) + "\n"


def architecture(page: str) -> str:
    """The page with its table of packages rewritten: what each is for (its docstring) and what it imports."""
    rows = "| package | purpose | depends on |\n|---|---|---|\n"
    imports = dependencies()
    for package in packages():
        purpose = ast.get_docstring(ast.parse(source(package).read_text(encoding="utf-8"))) or ""
        used = ", ".join(f"`{name}`" for name in sorted(imports[package])) or "nothing"
        rows += f"| `{path_of(package)}` | {purpose.partition(chr(10))[0]} | {used} |\n"
    return PACKAGES.sub(lambda marks: marks[1] + rows + marks[2], page)


def archives(page: str) -> str:
    """The page with its table of columns rewritten."""
    rows = "| column | meaning |\n|---|---|\n"
    for name, field in Row.model_fields.items():
        rows += f"| `{name}` | {field.description or 'As in [the report](report.schema.json).'} |\n"
    return COLUMNS.sub(lambda marks: marks[1] + rows + marks[2], page)


def packages() -> Iterator[str]:
    """Dotted names of the application's packages, in the order of the layers that pyproject.toml lists."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in project["tool"]["importlinter"]["contracts"]:
        for container in contract.get("containers", []):
            layers = re.findall(r"\b[a-z]\w+", " ".join(contract["layers"]))
            yield from (f"{container}.{layer}" for layer in layers if source(f"{container}.{layer}").exists())
    yield "models"


def path_of(package: str) -> str:
    """A package's path in the repository; a single module's ends with .py."""
    folder = package.replace(".", "/")
    return folder if (ROOT / folder).is_dir() else f"{folder}.py"


def source(package: str) -> Path:
    """The file with a package's docstring."""
    here = ROOT / path_of(package)
    return here / "__init__.py" if here.is_dir() else here


def dependencies() -> dict[str, set[str]]:
    """What each package imports: packages of its own root by their last name, others by their root."""
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=True)
    uses: dict[str, set[str]] = {package: set() for package in packages()}
    for module in graph.modules:
        package = package_of(module)
        if package not in uses or ".training" in module:
            continue
        root, _, name = package.partition(".")
        for imported in map(package_of, graph.find_modules_directly_imported_by(module)):
            other, _, last = imported.partition(".")
            uses[package].add(last if other == root else other)
        uses[package] -= {"", name, root}
    return uses


def package_of(module: str) -> str:
    """`service.kit` for `service.kit.errors`; `models` is one package."""
    return "models" if module.startswith("models") else ".".join(module.split(".")[:2])


def declarations() -> Iterator[str]:
    yield "# Declarations\n"
    yield inspect.cleandoc(declared.__doc__ or "") + "\n"
    yield "| rule | tool | where | declares | forging takes | source |\n|---|---|---|---|---|---|"
    for rule in rules():
        where = "<br>".join(f"`{place}:{name}`".replace(":`", "`") for place, name in sorted(rule.where))
        origins = ", ".join(dict.fromkeys(rule.values.values())) or rule.declares
        forging = {"field": "one text field", "structure": "a structure"}[rule.forging]
        yield f"| `{rule.id}` | {rule.tool} | {where} | {origins} | {forging} | {rule.spec} |"
    yield "\n## Digital source types\n\n| value | declares |\n|---|---|"
    (types,) = (rule for rule in rules() if rule.id == "iptc-digital-source-type")
    yield from (f"| `{value}` | {origin} |" for value, origin in types.values.items())
    yield ""


def laws(page: str) -> str:
    """The page with its tables rewritten: the sizes of visible labels, and what each law asks of a file."""
    sizes, items = "| law | letters, of the shorter side | box, of the image | text |\n|---|---|---|---|\n", ""
    for law in PROFILES.values():
        area = f"{law.label.area:.0%}" if law.label.area else "no rule"
        sizes += f"| `{law.name}` | {law.label.letter:.0%} | {area} | {TEXTS[law.label.language]} |\n"
        items += f"### {law.name}\n\n{law.title}. In force: {law.in_force}.\n\n"
        items += "| item | asked for | required | source | does not prove |\n|---|---|---|---|---|\n"
        for item in law.items:
            needed = "yes" if item.required else "advised"
            items += f"| `{item.id}` | {item.requirement} | {needed} | {item.source} | {item.proves_not} |\n"
        items += f"\nBeyond the file: {law.beyond}\n\n"
    page = LABEL_RULES.sub(lambda marks: marks[1] + sizes + marks[2], page)
    return LAWS.sub(lambda marks: marks[1] + items + marks[2], page)


def tasks() -> Iterator[str]:
    yield "# Model tasks\n"
    yield "The `task` of a model card, and the `options` that a card of that task can have.\n"
    for name, task in sorted(TASKS.items()):
        yield f"## {name}\n\n{task.summary}\n"
        for form in task.options:
            yield f"{inspect.cleandoc(form.__doc__ or '')}\n\n| option | default | allowed |\n|---|---|---|"
            for option, described in form.model_json_schema()["properties"].items():
                yield f"| `{option}` | {_default(described)} | {_allowed(described)} |"
            yield ""


def _default(described: dict[str, Any]) -> str:
    return f"`{json.dumps(described['default'])}`" if "default" in described else "required"


_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matching `{}`",
    "const": "always `{}`",
}


def _allowed(described: dict[str, Any]) -> str:
    """The type of an option, its limits and its description, from its JSON schema."""
    (form,) = (form for form in described.get("anyOf", [described]) if form.get("type") != "null")
    kind = " or ".join(f"`{value}`" for value in form["enum"]) if "enum" in form else form.get("type", "object")
    limits = (text.format(form[key]) for key, text in _LIMITS.items() if key in form)
    return ". ".join(filter(None, [", ".join([kind, *limits]), described.get("description", "").removesuffix(".")]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing and exit 1 if a page is out of date")
    check = parser.parse_args().check
    stale = []
    for name, text in pages().items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name} {'is out of date: run scripts/docs.py' if check else 'written'}", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
