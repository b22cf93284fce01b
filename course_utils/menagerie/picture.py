"""One picture: stage, object, camera."""

from __future__ import annotations

import numpy as np

from course_utils.menagerie.anatomy import animal
from course_utils.menagerie.camera import Camera
from course_utils.menagerie.canvas import Canvas
from course_utils.menagerie.coat import Coat
from course_utils.menagerie.creatures import CREATURES
from course_utils.menagerie.dice import Dice
from course_utils.menagerie.figure import Figure, number
from course_utils.menagerie.scene import Scene
from course_utils.menagerie.shapes import Frame
from course_utils.menagerie.stage import backdrop, clutter, shadow
from course_utils.menagerie.things import thing

__all__ = ["picture"]

CLUTTER, OCCLUDERS = (0.06, 0.22), (0.05, 0.12)  # radii, as shares of half the side


def picture(
    name: str, seed: int, index: int, *, size: int, scene: Scene, grey: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Draw picture `index` of a seed, showing the class `name`.

    All that the class must not decide is drawn first, from the same numbers whatever the class:
    the same index drawn as a cat and as a dog has the same ground, light, coat, pose and place.

    Returns:
        Picture (size, size, 3 or 1) uint8 and part map (size, size) uint8.
    """
    dice = Dice(seed, index)
    canvas = Canvas(size, grey=grey, light=dice.between(0.5, 2.6))
    backdrop(canvas, dice, scene)
    depth = 0.075 * size
    for shape, colour in clutter(dice, size, scene.clutter, radius=CLUTTER):
        canvas.paint([shape], canvas.ink(colour), [0], depth=depth)
    before = clutter(dice, size, scene.occluders, radius=OCCLUDERS)
    camera = Camera(canvas, dice, scene)
    coat, second = Coat(canvas, dice, scene), Coat(canvas, dice, scene)
    accent = dice.colour((0.05, 0.6), (0.4, 0.95))
    place = _Place(dice, size, scene)
    figure = animal(CREATURES[name], dice) if name in CREATURES else thing(name, dice)
    frame = place.frame(figure)
    ink = 0.30 if scene.backdrop == "dark" else 0.04
    paints = {
        "coat": coat.woven(canvas),
        "accent": canvas.ink(accent),
        "ink": canvas.ink(tuple(ink + 0.12 * c for c in coat.colour)),
        "glint": canvas.ink((0.97, 0.97, 0.97)),
    }
    if any(layer.paint == "second" for layer in figure.layers):
        paints["second"] = second.woven(canvas)
    _cast_shadow(canvas, figure, frame)
    for layer in figure.layers:
        shapes = [shape.placed(frame) for shape in layer.shapes]
        flat = layer.paint in ("ink", "glint")
        canvas.paint(
            shapes,
            paints[layer.paint],
            [number(part) for part in layer.parts],
            tone=layer.tone,
            blend=layer.blend * frame.scale,
            depth=0.12 * frame.scale,
            bevel=0.15 if flat else 0.42,
            rim=0.0 if flat else 0.30,
        )
    for shape, colour in before:
        canvas.paint([shape], canvas.ink(colour), [0], depth=depth)
    return camera.develop(canvas), canvas.parts


class _Place:
    """Where and how large: chosen before the object is known, then applied to its box."""

    def __init__(self, dice: Dice, size: int, scene: Scene) -> None:
        self.size = size
        self.side = size * dice.between(*scene.extent)
        self.across = size * (0.5 + dice.between(-scene.shift, scene.shift)) - 0.5
        self.down = size * (0.5 + dice.between(-scene.shift, scene.shift)) - 0.5
        self.tilt = dice.wobble(scene.tilt)
        self.flip = 1 if dice.chance(0.5) else -1
        close, zoom = dice.chance(scene.portrait), dice.between(1.15, 1.45)
        self.zoom, self.aim = (zoom, 0.6) if close else (1.0, 0.0)

    def frame(self, figure: Figure) -> Frame:
        """The frame that brings the middle of the box, or the head, to the chosen place."""
        left, low, right, high = figure.box
        scale = self.side * self.zoom / (max(right - left, high - low) * figure.span)
        x, y = (left + right) / 2, (low + high) / 2
        x, y = x + self.aim * (figure.head[0] - x), y + self.aim * (figure.head[1] - y)
        frame = Frame(0.0, 0.0, scale, self.tilt, self.flip)
        dx, dy = frame.point(x, y)
        return frame._replace(x=self.across - dx, y=self.down - dy)


def _cast_shadow(canvas: Canvas, figure: Figure, frame: Frame) -> None:
    left, low, right, _ = figure.box
    x, y = frame.point((left + right) / 2, low)
    shadow(canvas, x, y, 0.6 * (right - left) * frame.scale, 0.45)
