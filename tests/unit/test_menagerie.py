"""The menagerie as its users see it: reproducible, balanced, exact, and told by shape alone."""

import hashlib
import itertools
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_utils import menagerie
from course_utils.errors import InputError
from course_utils.menagerie import CLUTTERED, EASY, PARTS, TARGET, THINGS, Scene, draw
from course_utils.menagerie import picture as picture_module
from course_utils.menagerie.anatomy import animal
from course_utils.menagerie.canvas import Canvas
from course_utils.menagerie.creatures import CREATURES
from course_utils.menagerie.dice import Dice
from course_utils.menagerie.noise import OCTAVES, window
from course_utils.menagerie.shapes import Ellipse, Frame

EVERY_SCENE = {
    name: getattr(menagerie, name) for name in ("EASY", "WANDER", "CLUTTERED", "CATALOGUE")
}


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("images", "labels", "parts")
    )


def piece(pictures, rows):
    return menagerie.Pictures(pictures.images[rows], pictures.labels[rows], pictures.parts[rows])


# ---------------------------------------------------------------- what is handed back


@pytest.mark.parametrize(("grey", "channels"), [(False, 3), (True, 1)])
@pytest.mark.parametrize("size", [16, 28, 45, 96])
def test_shapes_and_types(size, grey, channels):
    drawn = draw(THINGS, 3, size=size, grey=grey)
    assert drawn.images.shape == (3, size, size, channels)
    assert drawn.parts.shape == drawn.masks.shape == (3, size, size)
    types = drawn.images.dtype, drawn.labels.dtype, drawn.parts.dtype, drawn.masks.dtype
    assert types == (np.uint8, np.int32, np.uint8, np.bool_)
    assert len(drawn) == 3
    assert (drawn.masks == (drawn.parts > 0)).all()


def test_none_asked_for_is_none_drawn():
    assert draw(TARGET, 0, size=32).images.shape == (0, 32, 32, 3)


def test_class_lists_fit_together():
    assert set(menagerie.CLASSES) == set(menagerie.TARGET) | set(menagerie.SOURCE)
    assert not set(menagerie.TARGET) & set(menagerie.SOURCE)
    assert set(menagerie.TRANSFER_SOURCE) < set(menagerie.SOURCE)
    assert len(menagerie.TRANSFER_SOURCE) == len(set(menagerie.TRANSFER_SOURCE)) == 21
    assert len(THINGS) == 10
    assert len(menagerie.SOURCE) == 30


def test_where_names_parts():
    drawn = draw(("cat",), 4, size=96, scene=EASY)
    head = drawn.where("head", "ears", "muzzle", "eyes")
    named = np.isin(drawn.parts, [PARTS.index(p) for p in ("head", "ears", "muzzle", "eyes")])
    assert (head == named).all()
    assert head.any(axis=(1, 2)).all()


# ---------------------------------------------------------------- reproducible to the bit


@pytest.fixture(scope="module")
def forty():
    return draw(menagerie.CLASSES, 40, size=48, seed=7)


@pytest.mark.parametrize("cuts", [(0, 40), (0, 1, 2, 3, 40), (0, 13, 31, 32, 40), (0, 20, 40)])
def test_pieces_equal_the_whole(forty, cuts):
    for start, end in itertools.pairwise(cuts):
        drawn = draw(menagerie.CLASSES, end - start, size=48, seed=7, start=start)
        assert same(drawn, piece(forty, slice(start, end)))


def test_pictures_are_the_same_drawn_backwards_and_by_threads(forty):
    def one(row):
        return draw(menagerie.CLASSES, 1, size=48, seed=7, start=row)

    for row in (39, 17, 2):
        assert same(one(row), piece(forty, slice(row, row + 1)))
    with ThreadPoolExecutor(4) as pool:
        for row, drawn in enumerate(pool.map(one, range(40))):
            assert same(drawn, piece(forty, slice(row, row + 1)))


@pytest.mark.parametrize("threads", ["1", "4"])
def test_pictures_are_the_same_in_another_process(forty, threads, tmp_path):
    code = (
        "import hashlib, sys\n"
        "from course_utils import menagerie\n"
        "d = menagerie.draw(menagerie.CLASSES, 15, size=48, seed=7, start=20)\n"
        "print(hashlib.sha256(d.images.tobytes() + d.parts.tobytes()).hexdigest())\n"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib', 'PIL') if m in sys.modules])\n"
    )
    root = Path(menagerie.__file__).parents[2]
    env = {"PYTHONPATH": str(root), "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    rows = slice(20, 35)
    mine = hashlib.sha256(forty.images[rows].tobytes() + forty.parts[rows].tobytes()).hexdigest()
    assert ran.stdout.split("\n")[:2] == [mine, "[]"]


def test_the_comparison_sees_one_changed_pixel(forty):
    changed = piece(forty, slice(0, 40))
    changed = replace(changed, images=changed.images.copy())
    changed.images[3, 5, 5, 0] ^= 1
    assert not same(changed, forty)


def test_seed_and_number_matter():
    one = draw(("cat",), 2, size=32, seed=1)
    assert not np.array_equal(one.images[0], one.images[1])
    assert not np.array_equal(one.images, draw(("cat",), 2, size=32, seed=2).images)


def test_grey_and_colour_show_the_same_thing():
    colour, grey = (draw(THINGS, 10, size=32, seed=3, grey=g) for g in (False, True))
    assert np.array_equal(colour.parts, grey.parts)
    luminance = colour.images @ np.array([0.299, 0.587, 0.114])
    assert min(map(likeness, luminance, grey.images)) > 0.95


def test_pictures_are_the_same_at_another_size():
    small, large = (draw(menagerie.CLASSES, 32, size=size, seed=3) for size in (48, 96))
    halved = large.images.reshape(32, 48, 2, 48, 2, 3).mean(axis=(2, 4))
    assert min(map(likeness, small.images, halved)) > 0.9
    assert (small.masks == large.masks[:, ::2, ::2]).mean() > 0.97


def likeness(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("classes", [TARGET, THINGS, ("horse",), ("cow", "key", "swan")])
def test_every_round_holds_each_class_once(classes):
    rounds = 6
    labels = draw(classes, rounds * len(classes), size=16, seed=5, scene=EASY).labels
    for turn in labels.reshape(rounds, -1):
        assert sorted(turn) == list(range(len(classes)))


def test_rounds_are_shuffled():
    labels = draw(TARGET, 200, size=16, seed=5, scene=EASY).labels
    assert 0.3 < labels[::2].mean() < 0.7


# ---------------------------------------------------------------- masks and parts


def expected_parts(name):
    if name not in CREATURES:
        return {"body"} if name == "key" else {"body", "other"}
    row = CREATURES[name]
    parts = {"body", "neck", "head", "muzzle", "eyes", "tail"}
    parts |= {"legs"} if row.legs else set()
    parts |= {"ears"} if row.ear_long[1] else set()
    extras = (row.mane, row.wing, row.hump, row.shell, row.horn_long)
    return parts | ({"other"} if any(high for _, high in extras) else set())


@pytest.mark.parametrize("name", menagerie.CLASSES)
def test_every_class_is_there_with_its_parts(name):
    drawn = draw((name,), 6, size=96, seed=11, scene=EASY)
    found = {PARTS[number] for number in np.unique(drawn.parts)} - {"background"}
    assert found == expected_parts(name)
    share = drawn.masks.mean(axis=(1, 2))
    assert share.min() > 0.02
    assert share.max() < 0.7


@pytest.mark.parametrize("name", ["cat", "sheep", "turtle", "hen"])
def test_masks_agree_with_flat_white_figures(name):
    """Layers of white on black: more than half white on the mask, nothing but seams off it."""
    figure = animal(CREATURES[name], Dice(3, 1))
    frame = Frame(40.0, 55.0, 38.0, 0.2, 1)
    canvas = Canvas(96, grey=True, light=1.0)
    for layer in figure.layers:
        shapes = [shape.placed(frame) for shape in layer.shapes]
        numbers = [PARTS.index(part) for part in layer.parts]
        blend = layer.blend * frame.scale
        white = np.ones((1, 1, 1), np.float32)
        canvas.paint(shapes, white, numbers, blend=blend, bevel=0.0, rim=0.0)
    mask, white = canvas.parts > 0, canvas.image[0]
    assert mask.mean() > 0.05
    assert (white[mask] > 0.5).all()
    assert (white[~mask] < 0.9).all()


@pytest.mark.parametrize("front", [True, False])
def test_what_stands_in_front_is_background_and_what_stands_behind_is_nothing(front, monkeypatch):
    disc, place = Ellipse(32.0, 32.0, 9.0, 9.0), np.hypot(*np.mgrid[-32:32, -32:32]) < 9.0
    plain = draw(("house",), 3, size=64, seed=2, scene=replace(EASY, shift=0.0))

    def one(dice, size, count, *, radius):
        in_front = radius == picture_module.OCCLUDERS
        return [(disc, (1.0, 0.0, 0.0))] if in_front == front else []

    monkeypatch.setattr(picture_module, "clutter", one)
    drawn = draw(("house",), 3, size=64, seed=2, scene=replace(EASY, shift=0.0))
    expected = np.where(place, 0, plain.parts) if front else plain.parts
    assert plain.parts[:, place].any()
    assert np.array_equal(drawn.parts, expected)


# ---------------------------------------------------------------- told by shape alone


def grown(mask):
    wide = np.pad(mask, 1)
    around = [wide[1 + dy : wide.shape[0] - 1 + dy, 1 + dx : wide.shape[1] - 1 + dx]
              for dy in (-1, 0, 1) for dx in (-1, 0, 1)]  # fmt: skip
    return np.any(around, axis=0)


def strangers(name, number, scene, *, other="cat"):
    """Pixels in which twins of two classes differ though neither animal is there."""
    shot = {"size": 64, "seed": 4, "start": number, "scene": scene}
    one, two = draw((other,), 1, **shot), draw((name,), 1, **shot)
    differ = (one.images[0] != two.images[0]).any(-1)
    return differ & ~grown(grown(one.masks[0] | two.masks[0]))


@pytest.mark.parametrize("scene", EVERY_SCENE.values(), ids=EVERY_SCENE)
def test_a_cat_and_its_twin_dog_share_everything_around_them(scene):
    bare = replace(scene, occluders=0)  # what an occluder hides is out of the mask
    assert not any(strangers("dog", number, bare).any() for number in range(12))


@pytest.mark.parametrize("name", [name for name in menagerie.CLASSES if name != "cat"])
def test_twins_of_all_classes_share_their_surroundings(name, monkeypatch):
    monkeypatch.setattr(picture_module, "shadow", lambda *args: None)  # its length is the body's
    bare = replace(CLUTTERED, occluders=0)
    assert not any(strangers(name, number, bare).any() for number in range(2))


def test_the_twin_comparison_sees_a_ground_that_knows_the_class(monkeypatch):
    honest = picture_module.picture

    def leaky(name, *args, **settings):
        image, parts = honest(name, *args, **settings)
        return (image // 2 if name == "dog" else image), parts

    monkeypatch.setattr("course_utils.menagerie.drawing.picture", leaky)
    assert strangers("dog", 0, replace(CLUTTERED, occluders=0)).any()


def linear_accuracy(features, labels):
    """Test accuracy of ridge regression fitted on the first half."""
    half = len(labels) // 2
    mean, spread = features[:half].mean(0), features[:half].std(0) + 1e-6
    x = np.c_[(features - mean) / spread, np.ones(len(labels))]
    y = 2.0 * labels - 1.0
    ridge = 3.0 * np.eye(x.shape[1])
    weights = np.linalg.solve(x[:half].T @ x[:half] + ridge, x[:half].T @ y[:half])
    return float(((x[half:] @ weights > 0) == (labels[half:] == 1)).mean())


def colours(images):
    flat = images.reshape(len(images), -1, 3)
    levels = flat >> 5
    bins = [(levels == level).mean(1) for level in range(8)]
    return np.concatenate([flat.mean(1), flat.std(1), *bins], axis=1)


@pytest.fixture(scope="module")
def pets():
    return draw(TARGET, 1200, size=48, seed=21)


def test_colour_does_not_tell_cat_from_dog(pets):
    assert linear_accuracy(colours(pets.images), pets.labels) < 0.58


def test_place_does_not_tell_cat_from_dog(pets):
    y, x = np.mgrid[:48, :48]
    area = pets.masks.sum((1, 2))
    middles = np.stack([(pets.masks * axis).sum((1, 2)) / area for axis in (x, y)], axis=1)
    features = np.concatenate([middles, middles**2, middles.prod(1, keepdims=True)], axis=1)
    assert linear_accuracy(features, pets.labels) < 0.58


def test_the_linear_model_sees_a_colour_that_tells(pets):
    tinted = pets.images.copy()
    tinted[pets.labels == 1, :12, :12] = (255, 255, 0)
    assert linear_accuracy(colours(tinted), pets.labels) > 0.8


def test_cat_and_dog_rows_differ_only_in_ears_muzzle_and_tail():
    cat, dog = CREATURES["cat"], CREATURES["dog"]
    differ = {name for name in vars(cat) if getattr(cat, name) != getattr(dog, name)}
    assert {name.split("_")[0] for name in differ} == {"ear", "muzzle", "tail"}


def test_every_animal_takes_as_many_numbers():
    after = set()
    for row in CREATURES.values():
        dice = Dice(5)
        animal(row, dice)
        after.add(dice.between(0.0, 1.0))
    assert len(after) == 1


# ---------------------------------------------------------------- settings


def test_clutter_and_shift_do_what_they_say():
    centred = replace(EASY, shift=0.0, tilt=0.0)
    wide = draw(("house",), 40, size=64, seed=1, scene=replace(centred, shift=0.3))
    still = draw(("house",), 40, size=64, seed=1, scene=centred)
    y, x = np.mgrid[:64, :64]

    def middles(drawn):
        area = drawn.masks.sum((1, 2))
        return np.stack([(drawn.masks * axis).sum((1, 2)) / area for axis in (x, y)], axis=1)

    assert middles(wide).std(0).min() > 3 * middles(still).std(0).max()
    longer = np.array([np.ptp(np.nonzero(mask), axis=1).max() for mask in still.masks]) / 64
    assert longer.min() > EASY.extent[0] - 0.04
    assert longer.max() < EASY.extent[1] + 0.04


def test_catalogue_is_light_on_dark():
    drawn = draw(THINGS, 30, size=28, scene=menagerie.CATALOGUE, grey=True)
    image = drawn.images[..., 0]
    on = [image[row][drawn.masks[row]].mean() for row in range(30)]
    off = [image[row][~drawn.masks[row]].mean() for row in range(30)]
    assert max(off) < 60
    assert (np.array(on) > np.array(off) + 20).all()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"clutter": -1}, "clutter to be a whole number from 0 to 40, received -1"),
        ({"clutter": 1.5}, "clutter to be a whole number from 0 to 40, received 1.5"),
        ({"occluders": True}, "occluders to be a whole number from 0 to 40, received True"),
        ({"portrait": 2}, "portrait to be a number from 0 to 1, received 2"),
        ({"shift": "far"}, "shift to be a number from 0 to 0.5, received 'far'"),
        ({"tilt": float("nan")}, "tilt to be a number from 0 to 3.142, received nan"),
        ({"extent": (0.8, 0.6)}, "two rising numbers from 0.1 to 2, such as (0.6, 0.8)"),
        ({"extent": 0.7}, "extent to be two rising numbers"),
        ({"backdrop": "sea"}, "backdrop to be 'scenery' or 'dark', received 'sea'"),
    ],
)
def test_scene_names_what_is_wrong(setting, message):
    with pytest.raises(InputError) as raised:
        Scene(**setting)
    assert message in str(raised.value)
    assert "the settings are clutter, occluders" in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ("cat", "dgo")}, "received 'dgo': did you mean 'dog'? menagerie.CLASSES"),
        ({"classes": ("Horse",)}, "received 'Horse': did you mean 'horse'?"),
        ({"classes": (3,)}, "expected a class of the menagerie, received 3"),
        ({"classes": "cat"}, "a list or tuple of names, received 'cat'"),
        ({"classes": {"cat", "dog"}}, "a list or tuple of names"),
        ({"classes": ()}, "at least one class, received none"),
        ({"classes": ("cat", "dog", "cat")}, "each class once, received cat more than once"),
        ({"count": -1}, "count to be a whole number from 0 to 4294967296, received -1"),
        ({"count": 2.0}, "received 2.0: change count"),
        ({"size": 15}, "size to be a whole number from 16 to 512, received 15: change size"),
        ({"size": 513}, "from 16 to 512, received 513"),
        ({"seed": -1}, "seed to be a whole number from 0 to 4294967295, received -1"),
        ({"seed": "1"}, "seed to be a whole number from 0 to 4294967295, received '1'"),
        ({"seed": True}, "seed to be a whole number from 0 to 4294967295, received True"),
        ({"start": -5}, "start to be a whole number"),
        ({"start": 2**32}, "start to be a whole number from 0 to 4294967291, received 4294967296"),
        ({"scene": "EASY"}, "scene to be a Scene, received 'EASY': give EASY, WANDER"),
        ({"grey": 1}, "grey to be True or False, received 1"),
    ],
)
def test_draw_names_what_is_wrong(arguments, message):
    given = {"classes": TARGET, "count": 4, **arguments}
    with pytest.raises(InputError) as raised:
        draw(given.pop("classes"), given.pop("count"), **given)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_numpy_whole_numbers_are_welcome():
    assert same(
        draw(TARGET, np.int64(2), size=16, seed=np.uint8(3)), draw(TARGET, 2, size=16, seed=3)
    )


def test_where_names_an_unknown_part():
    with pytest.raises(InputError, match=r"part of the menagerie, received 'ear'.*'ears'"):
        draw(("cat",), 1, size=16).where("ear")


# ---------------------------------------------------------------- noise, hash, speed


@pytest.mark.parametrize("kind", OCTAVES)
@pytest.mark.parametrize("size", [16, 64, 128])
def test_noise_is_about_standard(kind, size):
    values = np.stack([window(Dice(8, number), kind, size) for number in range(60)])
    assert abs(values.mean()) < 0.25
    assert 0.7 < values.std() < 1.4
    assert len({view.tobytes() for view in values}) == 60


def test_fingerprint_follows_the_source_and_not_its_line_ends(tmp_path, monkeypatch):
    before = menagerie.fingerprint()
    assert before == menagerie.fingerprint()
    for path in Path(menagerie.__file__).parent.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(menagerie, "__file__", str(tmp_path / "__init__.py"))
    assert menagerie.fingerprint() == before
    with (tmp_path / "things.py").open("ab") as changed:
        changed.write(b"# other\n")
    assert menagerie.fingerprint() != before


def test_fast_enough_to_draw_while_reading():
    """At least 150 pictures of 96×96 in a second of one core; about 500 were measured."""
    draw(TARGET, 2, size=96)
    rates = []
    for _ in range(3):
        began = time.process_time()
        draw(menagerie.CLASSES, 40, size=96)
        rates.append(40 / (time.process_time() - began))
    assert max(rates) >= 150, f"{max(rates):.0f} pictures in a second of one core"
