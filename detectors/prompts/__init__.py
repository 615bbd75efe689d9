"""Prompt screening: rules and a classifier, applied after undoing obfuscation."""

from detectors.prompts.categories import LEARNED, Category, Learned
from detectors.prompts.classifier import PROMPT_SCREENING, Score
from detectors.prompts.folding import has_words, is_blank
from detectors.prompts.normalise import MAX_CHARACTERS, Normalised, normalise
from detectors.prompts.rules import NAMES, PromptRules, RuleFileError, RuleHit, name_key
from detectors.prompts.screen import PromptFinding, PromptScreen

__all__ = [
    "LEARNED",
    "MAX_CHARACTERS",
    "NAMES",
    "PROMPT_SCREENING",
    "Category",
    "Learned",
    "Normalised",
    "PromptFinding",
    "PromptRules",
    "PromptScreen",
    "RuleFileError",
    "RuleHit",
    "Score",
    "has_words",
    "is_blank",
    "name_key",
    "normalise",
]
