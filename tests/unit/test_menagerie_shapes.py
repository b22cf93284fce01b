"""Signed distances and painting, against answers found another way."""

import itertools
import math

import numpy as np
import pytest

from course_utils.menagerie.canvas import Canvas
from course_utils.menagerie.polygons import Box, Cut, Wedge
from course_utils.menagerie.shapes import Capsule, Ellipse, Frame, Ring, chain

SIZE = 64
WHITE = np.ones((3, 1, 1), np.float32)
SHAPES = {
    "circle": Ellipse(30.0, 33.0, 17.0, 17.0),
    "ellipse": Ellipse(30.0, 33.0, 22.0, 9.0, 0.6),
    "ring": Ring(31.0, 30.0, 18.0, 12.0, 3.0, 0.3),
    "capsule": Capsule(15.0, 20.0, 45.0, 41.0, 6.0, 6.0),
    "tapered": Capsule(15.0, 20.0, 45.0, 41.0, 9.0, 4.0),
    "box": Box(33.0, 30.0, 18.0, 9.0, 0.4, 3.0),
    "wedge": Wedge(((12.0, 14.0), (50.0, 20.0), (40.0, 52.0), (18.0, 45.0))),
    "dome": Cut(Ellipse(32.0, 32.0, 22.0, 16.0), 32.0, 30.0, math.pi / 2),
}


def grid(size=SIZE):
    line = np.arange(size, dtype=np.float32)
    return line, line[:, None]


def inside(name, x, y):
    """Whether points lie in a shape, from its definition and in double precision."""
    x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    shape = SHAPES[name]

    def turned(cx, cy, angle):
        dx, dy = x - cx, y - cy
        cos, sin = np.cos(angle), np.sin(angle)
        return dx * cos + dy * sin, dy * cos - dx * sin

    if name in ("circle", "ellipse"):
        u, v = turned(shape.x, shape.y, shape.angle)
        return (u / shape.rx) ** 2 + (v / shape.ry) ** 2 < 1
    if name in ("capsule", "tapered"):
        a, b = np.array([shape.ax, shape.ay]), np.array([shape.bx, shape.by])
        u = ((x - a[0]) * (b - a)[0] + (y - a[1]) * (b - a)[1]) / ((b - a) @ (b - a))
        u = np.clip(u, 0, 1)
        near = np.hypot(x - a[0] - u * (b - a)[0], y - a[1] - u * (b - a)[1])
        return near < shape.ra + u * (shape.rb - shape.ra)
    if name == "box":
        u, v = turned(shape.x, shape.y, shape.angle)
        du = np.maximum(abs(u) - shape.wide + shape.corner, 0)
        dv = np.maximum(abs(v) - shape.high + shape.corner, 0)
        return np.hypot(du, dv) < shape.corner
    if name == "wedge":
        corners = np.array(shape.corners)
        after = np.roll(corners, -1, axis=0)
        crosses = [
            (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
            for a, b in zip(corners, after, strict=True)
        ]
        return np.all(np.array(crosses) > 0, axis=0)
    if name == "dome":
        e = shape.shape
        return (((x - e.x) / e.rx) ** 2 + ((y - e.y) / e.ry) ** 2 < 1) & (y > shape.y)
    raise AssertionError(name)


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "ring"])
def test_distance_is_negative_exactly_inside(name):
    x, y = grid()
    d = SHAPES[name].distance(x, y)
    clear = np.abs(d) > 1e-3
    assert d.dtype == np.float32
    assert ((d < 0) == inside(name, x, y))[clear].all()
    assert 0.05 < (d < 0).mean() < 0.6


@pytest.mark.parametrize(("name", "slack"), [("circle", 0.01), ("capsule", 0.01), ("box", 0.02)])
def test_exact_shapes_measure_the_distance_to_the_outline(name, slack):
    """The nearest of very many outline points, found by walking from inside to outside."""
    x, y = grid()
    d = SHAPES[name].distance(x, y)
    outline = outline_points(name)
    for row, column in [(5, 5), (33, 30), (50, 20), (20, 55), (30, 40)]:
        nearest = np.hypot(outline[:, 0] - column, outline[:, 1] - row).min()
        assert abs(abs(d[row, column]) - nearest) < slack


@pytest.mark.parametrize("name", ["ellipse", "tapered"])
def test_other_shapes_measure_it_near_the_outline(name):
    x, y = grid()
    d = SHAPES[name].distance(x, y)
    outline = outline_points(name)
    rows, columns = np.nonzero(np.abs(d) < 1.0)
    nearest = np.hypot(outline[:, 0] - columns[:, None], outline[:, 1] - rows[:, None]).min(1)
    assert np.abs(np.abs(d[rows, columns]) - nearest).max() < 0.15


def outline_points(name, rays=4000):
    """Where rays from a point inside leave a star-shaped shape, by bisection."""
    left, low, right, high = SHAPES[name].bounds()
    cx, cy = (left + right) / 2, (low + high) / 2
    angle = np.linspace(0, 2 * np.pi, rays, endpoint=False)
    near, far = np.zeros(rays), np.full(rays, 100.0)
    for _ in range(40):
        middle = (near + far) / 2
        within = inside(name, cx + middle * np.cos(angle), cy + middle * np.sin(angle))
        near, far = np.where(within, middle, near), np.where(within, far, middle)
    return np.stack([cx + near * np.cos(angle), cy + near * np.sin(angle)], axis=1)


def test_an_ellipse_has_no_hole_in_its_middle():
    x, y = grid()
    d = Ellipse(30.0, 33.0, 22.0, 9.0, 0.6).distance(x, y)
    assert d[33, 30] == pytest.approx(-math.sqrt(22.0 * 9.0), rel=0.01)


def test_ring_is_the_ellipse_drawn_with_a_pen():
    x, y = grid()
    ring = SHAPES["ring"]
    line = Ellipse(ring.x, ring.y, ring.rx, ring.ry, ring.angle)
    assert np.allclose(ring.distance(x, y), np.abs(line.distance(x, y)) - ring.pen, atol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_bounds_hold_the_shape(name):
    x, y = grid()
    left, low, right, high = SHAPES[name].bounds()
    rows, columns = np.nonzero(SHAPES[name].distance(x, y) < 0)
    assert columns.min() >= left
    assert columns.max() <= right
    assert rows.min() >= low
    assert rows.max() <= high


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("flip", [1, -1])
def test_placing_keeps_distances_up_to_scale(name, flip):
    frame = Frame(7.0, -3.0, 1.7, 0.5, flip)
    shape = SHAPES[name]
    placed = shape.placed(frame)
    for x, y in [(30.0, 33.0), (12.0, 18.0), (47.0, 40.0), (31.0, 12.0)]:
        px, py = frame.point(x, y)
        here = shape.distance(np.float32([x]), np.float32([[y]]))[0, 0]
        there = placed.distance(np.float32([px]), np.float32([[py]]))[0, 0]
        assert there == pytest.approx(1.7 * here, abs=2e-2)


def test_chain_is_joined_and_has_its_length():
    links = chain(1.0, 2.0, 0.3, 2.0, 0.2, 0.1, bend=1.0, links=4)
    for one, following in itertools.pairwise(links):
        assert (one.bx, one.by, one.rb) == pytest.approx((following.ax, following.ay, following.ra))
    lengths = [math.hypot(link.bx - link.ax, link.by - link.ay) for link in links]
    assert sum(lengths) == pytest.approx(2.0)
    assert links[-1].rb == pytest.approx(0.1)


def blank(grey=False):
    return Canvas(SIZE, grey=grey, light=1.0)


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "ring"])
def test_painted_parts_are_the_inside(name):
    canvas = blank()
    canvas.paint([SHAPES[name]], WHITE, [7])
    x, y = grid()
    clear = np.abs(SHAPES[name].distance(x, y)) > 1e-3
    assert ((canvas.parts == 7) == inside(name, x, y))[clear].all()
    assert set(np.unique(canvas.parts)) == {0, 7}


@pytest.mark.parametrize("name", SHAPES)
def test_flat_white_is_brighter_than_half_exactly_on_the_mask(name):
    canvas = blank()
    canvas.paint([SHAPES[name]], WHITE, [1], bevel=0.0, rim=0.0)
    assert ((canvas.image > 0.5) == (canvas.parts > 0)).all()


def test_covered_shares_add_up_to_the_area():
    canvas = blank(grey=True)
    canvas.paint([SHAPES["ellipse"]], WHITE[:1], [1], bevel=0.0, rim=0.0)
    assert canvas.image.sum() == pytest.approx(math.pi * 22.0 * 9.0, rel=0.01)


def test_a_shape_across_the_border_is_painted_as_if_the_picture_went_on():
    moved = Ellipse(2.0, 60.0, 14.0, 9.0, 0.6)
    canvas, wide = blank(), Canvas(3 * SIZE, grey=False, light=1.0)
    canvas.paint([moved], WHITE, [1])
    wide.paint([moved._replace(x=moved.x + SIZE, y=moved.y + SIZE)], WHITE, [1])
    middle = slice(SIZE, 2 * SIZE)
    assert np.allclose(canvas.image, wide.image[:, middle, middle], atol=1e-4)
    assert (canvas.parts == wide.parts[middle, middle]).all()


def test_a_shape_outside_the_picture_changes_nothing():
    canvas = blank()
    canvas.paint([Ellipse(-50.0, 10.0, 5.0, 5.0)], WHITE, [1])
    assert not canvas.image.any()
    assert not canvas.parts.any()


def test_union_gives_each_pixel_to_the_shape_it_lies_deepest_in():
    one, two = Ellipse(24.0, 32.0, 12.0, 12.0), Ellipse(42.0, 32.0, 12.0, 12.0)
    canvas = blank()
    canvas.paint([one, two], WHITE, [1, 2])
    x, y = grid()
    d = np.stack([one.distance(x, y), two.distance(x, y)])
    expected = np.where(d.min(0) < 0, d.argmin(0) + 1, 0)
    assert (canvas.parts == expected).all()


def test_blending_only_adds_and_only_near_the_joint():
    pair = [Ellipse(24.0, 32.0, 12.0, 12.0), Ellipse(44.0, 32.0, 12.0, 12.0)]
    plain, molten = blank(), blank()
    plain.paint(pair, WHITE, [1, 1])
    molten.paint(pair, WHITE, [1, 1], blend=6.0)
    added = (molten.parts > 0) & (plain.parts == 0)
    assert ((molten.parts > 0) | (plain.parts == 0)).all()
    rows, columns = np.nonzero(added)
    assert len(rows) > 4
    assert np.abs(columns - 34).max() < 10


def test_the_side_towards_the_light_is_brighter():
    canvas = Canvas(SIZE, grey=True, light=math.pi / 2)  # from above
    canvas.paint([Ellipse(32.0, 32.0, 20.0, 20.0)], 0.5 * WHITE[:1], [1], depth=12.0)
    assert canvas.image[0, 14:20, 32].mean() > canvas.image[0, 45:51, 32].mean() + 0.1


def test_grey_ink_is_luminance():
    assert blank(grey=True).ink((1.0, 0.0, 0.0)).ravel() == pytest.approx([0.299])
    assert blank().ink((1.0, 0.5, 0.0)).ravel() == pytest.approx([1.0, 0.5, 0.0])
