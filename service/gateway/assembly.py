"""The gateway's parts, opened from the settings."""

from collections.abc import Sequence
from pathlib import Path

from detectors import BoxCard, OpenNsfw, SafetyCard
from detectors.prompts import PromptScreen, RuleFileError
from models import Card, ModelError
from service.gateway.screening import Checker
from service.generation.diffusers.safety_checker import FolderChecker, brings_checker
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import known_cards
from service.kit.settings import Settings


def open_checkers(settings: Settings) -> list[Checker]:
    """The safety checkers of every pipeline: ours, and each that an operator added by its card. None is skipped.

    Raises:
        Unavailable: one of them is missing, altered or not working.
    """
    threads, providers = settings.threads, settings.onnx_providers
    added = [c for c in known_cards(settings) if c.task == "image-safety" and c.name != OpenNsfw.name]
    try:
        ours = OpenNsfw(threads=threads, providers=providers)
        return [ours, *(_checker_of(card)(card, threads=threads, providers=providers) for card in added)]
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


def _checker_of(card: Card) -> type[SafetyCard] | type[BoxCard]:
    """What a card of task image-safety describes: a detector of objects if it says so, else a classifier."""
    return BoxCard if card.options.get("output") == "boxes" else SafetyCard


def open_folder_checker(settings: Settings, folder: Path) -> list[Checker]:
    """The safety checker that the pipeline in `folder` brings along, if it brings one.

    Raises:
        Unavailable: it names one that is missing, incomplete or not working.
    """
    try:
        return [FolderChecker(folder, device=settings.device)] if brings_checker(folder) else []
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable


def open_screen(settings: Settings, more_rules: Sequence[Path] = ()) -> PromptScreen:
    """The prompt screen alone, with the settings' rule files and `more_rules`.

    Raises:
        Unavailable: the model is missing, altered or not working.
        Misconfigured: a rule file cannot be used, or fails its own tests.
    """
    files = (*settings.prompt_rules, *more_rules)
    try:
        return PromptScreen(files, threads=settings.threads, providers=settings.onnx_providers)
    except ModelError as unusable:
        raise Unavailable(str(unusable)) from unusable
    except RuleFileError as wrong:
        raise Misconfigured(str(wrong), hint="Correct the rule file; docs/prompts.md explains the format.") from wrong
