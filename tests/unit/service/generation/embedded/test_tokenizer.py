import pytest
from transformers import CLIPTokenizer

from models import ModelFault, find_card
from service.generation.diffusers.loading import EMBEDDED
from service.generation.embedded.tokenizer import PromptTokenizer

CARD = find_card(EMBEDDED)
LIMIT, LENGTH = 40, 104
PROMPTS = [
    "",
    "a red fox in the snow at night",
    "A Car's  wheel,\n2 CAFÉS & Straße ΣΊΣΥΦΟΣ",
    "狐狸在雪地里 🦊❄️ \x00 e\u0301 \u200b",
    "</w><|endoftext|> a fox <|startoftext|>",
    "and a green tree " * 30,
    "x" * 500,
]


@pytest.fixture(scope="module")
def ours() -> PromptTokenizer:
    return PromptTokenizer(CARD.read("tokenizer/tokenizer.json"), limit=LIMIT, length=LENGTH)


@pytest.fixture(scope="module")
def theirs() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(CARD.verified_root() / "tokenizer", local_files_only=True)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_ids_are_those_of_transformers(ours: PromptTokenizer, theirs: CLIPTokenizer, prompt: str) -> None:
    (row,) = ours.ids([prompt])
    plain = theirs(prompt, truncation=False).input_ids
    assert ours.too_long(prompt) == (len(plain) > LIMIT)
    text = prompt
    if len(plain) > LIMIT:
        cut = theirs(prompt, truncation=True, max_length=LIMIT, return_offsets_mapping=True)
        text = prompt[: max(end for _, end in cut.offset_mapping)]
    assert row.tolist() == theirs(text, padding="max_length", max_length=LENGTH, truncation=True).input_ids


def test_nothing_comes_after_the_limit(ours: PromptTokenizer) -> None:
    assert (ours.ids(PROMPTS)[:, LIMIT - 1 :] == ours.ids([""])[0, -1]).all()


@pytest.mark.parametrize("definition", [b"", b"{}", b'{"version": "1.0"}'])
def test_what_is_no_tokenizer_is_refused(definition: bytes) -> None:
    with pytest.raises(ModelFault, match="tokenizer"):
        PromptTokenizer(definition, limit=LIMIT, length=LENGTH)
