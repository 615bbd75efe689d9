"""Everything that is found out about a prompt before anything is drawn. Evidence: nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detectors.findings import Finding
from detectors.prompts.classifier import PromptClassifier, Score
from detectors.prompts.normalise import normalise
from detectors.prompts.rules import DEFAULT_RULES, PromptRules, RuleHit
from models import CPU, Card, find_card


@dataclass(frozen=True, slots=True)
class PromptFinding:
    """Evidence about one prompt.

    `text`: the prompt without its disguises, `flags`: which ones there were, `scores`: the classifier's, `hits`:
    the rules', `negative_hits`: the rules' in the negative prompt, where people write what they do not want.
    `named`: every listed name in the prompt (see `name_key`).
    `model` and `digest` name the classifier, `rules` the SHA-256 of each rule file. The texts are personal: they
    stay out of `repr`, and must stay out of logs and records.
    """

    text: str = field(repr=False)
    flags: tuple[str, ...]
    scores: tuple[Score, ...]
    hits: tuple[RuleHit, ...]
    negative_hits: tuple[RuleHit, ...]
    model: str
    digest: str
    rules: tuple[str, ...]
    named: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The scores in the form that every detector's have."""
        return tuple(Finding(PromptScreen.name, s.category, s.score, self.model, self.digest) for s in self.scores)


class PromptScreen:
    """The shipped rules, the operator's and the classifier, loaded once. Thread-safe."""

    name = "prompt"

    def __init__(
        self,
        rule_files: Sequence[Path] = (),
        card: Card | None = None,
        *,
        threads: int = 1,
        providers: Sequence[str] = CPU,
    ) -> None:
        """Load and prove everything; operators' files add to the shipped rules and cannot take any away.

        Raises:
            RuleFileError: a rule file cannot be used, or fails its own tests.
            ModelMissing, DigestMismatch, ModelFault: as `PromptClassifier`.
        """
        self._rules = tuple(PromptRules(path) for path in (DEFAULT_RULES, *rule_files))
        self._classifier = PromptClassifier(card or find_card("prompts"), threads=threads, providers=providers)

    def screen(self, prompt: str, negative_prompt: str = "") -> PromptFinding:
        """The evidence about a prompt.

        Raises:
            ValueError: either is longer than `LONGEST` characters.
            ModelFault: the classifier gave no usable answer.
        """
        wanted, unwanted = normalise(prompt), normalise(negative_prompt)
        card = self._classifier.card
        return PromptFinding(
            text=wanted.text,
            flags=wanted.flags,
            scores=self._classifier(wanted.text),
            hits=tuple(hit for rules in self._rules for hit in rules.hits(wanted)),
            negative_hits=tuple(hit for rules in self._rules for hit in rules.hits(unwanted)),
            model=card.identity,
            digest=card.digest,
            rules=tuple(rules.digest for rules in self._rules),
            named=frozenset().union(*(rules.named(wanted) for rules in self._rules)),
        )
