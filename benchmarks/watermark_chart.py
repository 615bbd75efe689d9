"""A table of shares as a chart: a row for each attack, a column for each scheme; the bluer, the better."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

_ROW, _LEFT, _COLUMN, _TOP = 26, 300, 140, 40
_LOW, _HIGH = (247, 240, 232), (38, 98, 166)


def draw_chart(table: Sequence[Sequence[str]], attacks: Sequence[str]) -> Image.Image:
    """The rows of `table` (its header first) named in `attacks`, each cell coloured by its share (0 to 1)."""
    header, cells = table[0][1:], [row for row in table if row[0] in attacks]
    image = Image.new("RGB", (_LEFT + _COLUMN * len(header), _TOP + _ROW * len(cells) + 10), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for column, name in enumerate(header):
        pen.text((_LEFT + _COLUMN * (column + 0.5), _TOP / 2), name, "black", font, anchor="mm")
    for number, (name, *shares) in enumerate(cells):
        top = _TOP + _ROW * number
        pen.text((_LEFT - 10, top + _ROW / 2), name, "black", font, anchor="rm")
        for column, text in enumerate(shares):
            share = float(text)
            colour = tuple(round(low + (high - low) * share) for low, high in zip(_LOW, _HIGH, strict=True))
            left = _LEFT + _COLUMN * column
            pen.rectangle((left + 1, top + 1, left + _COLUMN - 2, top + _ROW - 2), colour)
            ink = "white" if share > 0.5 else "black"
            pen.text((left + _COLUMN / 2, top + _ROW / 2), text, ink, font, anchor="mm")
    return image
