"""countermark prompts."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from detectors.prompts import MAX_CHARACTERS, PromptFinding, PromptRules, RuleFileError
from service.cli.text import printable
from service.gateway import prompt_policy
from service.gateway.assembly import open_screen
from service.gateway.prompt_policy import Grounds
from service.kit.errors import BadRequest, Misconfigured, PromptRefused
from service.kit.settings import load_settings

app = typer.Typer(help="The rules by which prompts are refused.", no_args_is_help=True)


@app.command("check")
def check(
    text: Annotated[str, typer.Argument(help="The prompt.", metavar="TEXT")],
    rules: Annotated[list[Path] | None, typer.Option(help="Rule file in addition to those in the settings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is found in a prompt and whether the gateway would refuse it: exit 0 if not, 6 if so."""
    if len(text) > MAX_CHARACTERS:
        raise BadRequest(f"the prompt has {len(text)} characters", hint=f"The limit is {MAX_CHARACTERS}.")
    finding = open_screen(load_settings(), rules or ()).screen(text)
    grounds = prompt_policy.grounds(finding)
    if as_json:
        print(json.dumps(_as_data(finding, grounds)))
    else:
        _show(finding, grounds)
    if grounds.categories:
        raise typer.Exit(PromptRefused.exit_code)


@app.command("test")
def test(path: Annotated[Path, typer.Argument(help="A rule file.", metavar="FILE")]) -> None:
    """Check a rule file and run the tests in it: exit 0 if all pass, 2 otherwise."""
    try:
        rules = PromptRules(path)
    except RuleFileError as wrong:
        raise Misconfigured(str(wrong), hint="Correct the rule file. The format is in docs/prompts.md.") from wrong
    print(f"{path}: {rules.tests} tests passed")


def _as_data(finding: PromptFinding, grounds: Grounds) -> dict[str, Any]:
    return {
        "refused": bool(grounds.categories),
        "categories": grounds.categories,
        "text": finding.text,
        "flags": finding.flags,
        "hits": [
            {"rule": h.rule, "category": h.category, "severity": h.severity, "start": h.start, "end": h.end}
            for h in finding.hits
        ],
        "scores": {s.category: {"score": round(s.score, 4), "limit": s.limit} for s in finding.scores},
        "model": finding.model,
        "digest": finding.digest,
        "rules": finding.rules,
    }


def _show(finding: PromptFinding, grounds: Grounds) -> None:
    console = Console(highlight=False)
    verdict = f"refused: {', '.join(grounds.categories)}" if grounds.categories else "passes"
    lines = [verdict, f"normalised: {finding.text}"]
    lines += [f"obfuscation: {', '.join(finding.flags)}"] if finding.flags else []
    lines += [f"rule {hit.rule}: {hit.category} ({hit.severity})" for hit in finding.hits]
    lines += [f"score {s.category}: {s.score:.2f}, refused from {s.limit:.2f}" for s in finding.scores]
    for line in lines:
        console.print(printable(line), markup=False, soft_wrap=True)
