"""What a word is in scripts other than Latin, and which of their letters are written for one another.

Sources: Unicode Standard Annex #29 for scripts without spaces between words, and the Unicode Character Database for the
marks that are part of a word. The variants are those of everyday typing: Arabic and Persian keyboards (Unicode
Technical Standard #39 has most of them), Hindi nasal signs, and kanji that pass for katakana.
"""

# ruff: noqa: RUF001 - look-alikes are the subject

import unicodedata

_WITH_VOWEL_SIGNS = (*range(0x0900, 0x0E00), *range(0xA800, 0xAC00), 0x3099, 0x309A)

MARKS = "".join(c for c in map(chr, _WITH_VOWEL_SIGNS) if unicodedata.category(c).startswith("M"))
"""Vowel signs of Indian scripts and voicing marks of kana: part of a word, although Python's `\\w` leaves them out."""

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts without spaces between words (Thai, Lao, Burmese, Khmer, kana, Han), as ranges of a character class. Each
of their characters is a word of its own here, and a word of the language is a phrase."""

_ALIKE = {
    "ه": "ةۀہەھ",
    "ي": "ىیےې",
    "ك": "کڪ",
    "ا": "ٱ",
    "ं": "ँ",
    "ং": "ঁ",
    "ロ": "口",
    "エ": "工",
    "カ": "力",
    "ニ": "二",
    "タ": "夕",
    "ト": "卜",
    "ハ": "八",
    "ヘ": "へ",
}

VARIANTS = {variant: letter for letter, variants in _ALIKE.items() for variant in variants}
"""Maps letters that are written for another one to it. Rules are folded in the same way, so it need not be a word."""
