"""The indoor setting: a wall with a window that shows the time of day, and a wooden floor."""

from __future__ import annotations

from PIL import Image, ImageDraw

from .brushes import CANVAS, SKIES, disc, gradient, tint

FLOOR = int(0.7 * CANVAS)
WINDOW = (150, 190)
"""Width and height of the window in pixels of the canvas."""
LEFT = CANVAS - 40 - WINDOW[0]


def draw(time: str) -> Image.Image:
    """A CANVAS x CANVAS RGB room at `time`; the window is on the right."""
    canvas = gradient(tint((236, 220, 196), time), tint((246, 234, 214), time), CANVAS, FLOOR)
    _window(canvas, time, LEFT)
    pen = ImageDraw.Draw(canvas)
    canvas.paste(gradient(tint((166, 112, 68), time), tint((196, 140, 90), time), CANVAS - FLOOR, 150), (0, FLOOR))
    pen.rectangle((0, FLOOR - 14, CANVAS, FLOOR + 2), fill=tint((250, 246, 238), time))
    for number, row in enumerate((FLOOR + 46, FLOOR + 100)):
        pen.line((0, row, CANVAS, row), fill=tint((132, 86, 50), time), width=4)
        for joint in range(80 + 90 * number, CANVAS, 190):
            pen.line((joint, row, joint, row + 54), fill=tint((132, 86, 50), time), width=4)
    return canvas


def _window(canvas: Image.Image, time: str, left: int) -> None:
    width, height = WINDOW
    top, frame = 46, tint((250, 248, 242), time)
    pen = ImageDraw.Draw(canvas)
    pen.rectangle((left - 12, top - 12, left + width + 12, top + height + 12), fill=frame)
    canvas.paste(gradient(*SKIES[time], height, height).crop((0, 0, width, height)), (left, top))
    if time == "night":
        disc(pen, left + width * 0.72, top + 46, 20, (248, 242, 212))
    else:
        low = time == "sunset"
        disc(pen, left + width * 0.3, top + (150 if low else 46), 24, (255, 214, 110))
    pen.rectangle((left + width // 2 - 4, top, left + width // 2 + 4, top + height), fill=frame)
    pen.rectangle((left, top + height // 2 - 4, left + width, top + height // 2 + 4), fill=frame)
