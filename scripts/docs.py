#!/usr/bin/env python3
"""Write the parts of the documentation that the code knows, or with --check fail where they differ.

docs/cli.md (every --help), docs/settings.md, docs/errors.md, docs/reasons.md, docs/report.schema.json.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer import _click as click  # the copy of Click that typer builds its commands of

from service.cli.app import EPILOG, app
from service.examiner.report import CONFLICTS, REASONS, VERSION, Report
from service.kit.errors import Error, tree
from service.kit.settings import PREFIX, Settings

DOCS = Path(__file__).parent.parent / "docs"
NOTE = "<!-- Written by scripts/docs.py; do not edit. -->\n\n"


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {
        "cli.md": NOTE + "\n".join(cli()),
        "settings.md": NOTE + "\n".join(settings()),
        "errors.md": NOTE + "\n".join(errors()),
        "reasons.md": NOTE + "\n".join(reasons()),
        "report.schema.json": schema(),
    }


def cli() -> Iterator[str]:
    yield "# The command line\n"
    yield EPILOG + "\n"
    root = typer.main.get_command(app)
    context = click.Context(root, info_name="countermark", max_content_width=100, terminal_width=100)
    yield from command(root, context, 2)


def command(this: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {context.command_path}\n\n```text\n{this.get_help(context).strip()}\n```\n"
    for name, child in sorted(getattr(this, "commands", {}).items()):
        inner = click.Context(child, parent=context, info_name=name, max_content_width=100, terminal_width=100)
        yield from command(child, inner, depth + 1)


def settings() -> Iterator[str]:
    yield "# Settings\n"
    yield "Environment variables. A `COUNTERMARK_` variable that is none of these stops the start.\n"
    yield "| variable | default | meaning |\n|---|---|---|"
    for name, field in Settings.model_fields.items():
        yield f"| `{PREFIX}{name.upper()}` | {default(name, field.default)} | {field.description} |"
    yield ""


def default(name: str, value: object) -> str:
    machine = {"home": "the platform's data folder", "threads": "number of cores, at most 4"}
    shown = ",".join(value) if isinstance(value, tuple) else value
    return machine.get(name) or ("unset" if value is None else f"`{shown}`")


def errors() -> Iterator[str]:
    yield "# Errors\n"
    yield "One tree. Codes are stable; over HTTP they come as `application/problem+json`.\n"
    yield "| error | code | HTTP | exit | what to do |\n|---|---|---|---|---|"
    for error in dict.fromkeys(tree(Error)):
        yield f"| {error.__name__} | `{error.code}` | {error.status} | {error.exit_code} | {error.hint} |"
    yield ""


def reasons() -> Iterator[str]:
    yield "# Reasons and conflicts\n"
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 where a page is out of date")
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
