"""All evidence about a prompt before anything is generated. Nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detectors.findings import Finding
from detectors.prompts.classifier import PromptClassifier, Score
from detectors.prompts.normalise import normalise
from detectors.prompts.rules import PromptRules, RuleHit, shipped_rules
from models import CPU, Card, find_card


@dataclass(frozen=True, slots=True)
class PromptFinding:
    """Evidence about one prompt.

    `text`: the normalised prompt; `flags`: the obfuscations found; `scores`: the classifier's scores; `hits`: rules
    matched by the prompt; `negative_hits`: rules matched by the negative prompt, which lists what is not wanted;
    `named`: every listed name in the prompt (see `name_key`); `model` and `digest`: the classifier; `rules`: the
    SHA-256 of each rule file, with its languages. Texts and names are personal: they are left out of `repr`, and must
    stay out of logs and the ledger.
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
        """The scores as Findings, like those of every detector."""
        return tuple(Finding(PromptScreen.name, s.category, s.score, self.model, self.digest) for s in self.scores)


class PromptScreen:
    """The shipped rules, the operator's rules and the classifier. Thread-safe."""

    name = "prompt"

    def __init__(
        self,
        rule_files: Sequence[Path] = (),
        card: Card | None = None,
        *,
        threads: int = 1,
        providers: Sequence[str] = CPU,
    ) -> None:
        """Load and test everything. `rule_files` add to the shipped rules and cannot remove any.

        Raises:
            RuleFileError: a rule file is not valid, or a test in it fails.
            ModelMissing, DigestMismatch, ModelFault: as `PromptClassifier`.
        """
        self._rules = (shipped_rules(), *map(PromptRules, rule_files))
        self._classifier = PromptClassifier(card or find_card("prompts"), threads=threads, providers=providers)

    def screen(self, prompt: str, negative_prompt: str = "") -> PromptFinding:
        """Return the evidence about a prompt.

        Raises:
            ValueError: either is longer than `LONGEST` characters.
            ModelFault: the classifier failed.
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
