"""Letters that look like ASCII letters.

From the confusables of Unicode Technical Standard #39 (https://www.unicode.org/reports/tr39/, Unicode License v3), as
packaged in confusable-homoglyphs 3.3.1 (MIT): the Latin, Greek, Cyrillic, Armenian, Cherokee, Coptic and Lisu letters
whose skeleton is one ASCII letter and that NFKD does not change (it already handles full-width and mathematical
letters). A capital that looks like both I and l is listed under i. `_OURS` adds small letters that are used as
look-alikes although the standard does not list them.
"""

# ruff: noqa: RUF001 - look-alikes are the subject

_UTS39 = {
    "a": "ɑΑαАаᎪꓮ",
    "b": "ƄΒВЬᏏᏴꓐꞴ",
    "c": "СсᏟᴄⲤⲥꓚꮯ",
    "d": "ԁᎠᏧꓒꓓ",
    "e": "ΕЕеҽᎬꓰꬲ",
    "f": "ϜքẝꓝꞘꞙꬵ",
    "g": "ƍɡԌցᏀᏳᶃꓖ",
    "h": "ΗНһհᎻᏂⲎꓧ",
    "i": "ıɩɪΙιІіӏᎥⲒꙇꭵ",
    "j": "ͿϳЈјᎫꓙꞲ",
    "k": "ΚКᏦⲔꓗ",
    "l": "ƖǀᏞⳐꓡꓲ",
    "m": "ΜϺМᎷⲘꓟ",
    "n": "ΝոռⲚꓠ",
    "o": "ΟοσОоՕօᴏᴑⲞⲟꓳꬽ",
    "p": "ΡρРрᏢⲢⲣꓑ",
    "q": "ԛգզ",
    "r": "ƦгᎡᏒᴦⲅꓣꭇꭈꮁ",
    "s": "ƽЅѕՏᏕᏚꓢꜱꮪ",
    "t": "ΤТᎢⲦꓔ",
    "u": "ʋυՍսᴜꓴꞟꭎꭒ",
    "v": "νѴѵᏙᴠꓦꮩ",
    "w": "ɯѡԜԝաᎳᏔᴡꓪꮃ",
    "x": "ΧХхⲬꓫꞳ",
    "y": "ɣʏΥγУуҮүᎩᎽᶌỿⲨꓬꭚ",
    "z": "ΖᏃᴢꓜꮓ",
}

_OURS = {
    "b": "в",
    "d": "đ",
    "e": "єεɛ",
    "h": "нħ",
    "k": "кκ",
    "l": "ł",
    "m": "м",
    "n": "η",
    "o": "ø",
    "t": "тτ",
    "w": "ω",
    "x": "χ",
}

CONFUSABLES = {look: letter for table in (_UTS39, _OURS) for letter, looks in table.items() for look in looks}
"""Maps each look-alike to a lower-case ASCII letter."""
