"""The card of a claim: the same facts in words and as a picture, which is read as XML here."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import pytest

from course_utils import card, lessons

SEEDS = {seed: 0.80 + 0.01 * (seed % 3) for seed in range(12)}
WIDTH = 640


def drawn(seeds=SEEDS, mutant=None, why="", **changed):
    """Return the page of a card as XML, and its plain text."""
    kept = lessons.Kept(seeds, 0.005, {} if mutant is None else mutant)
    record = {
        "statement": "The network beats guessing.",
        "unit": "%",
        "observed": 0.81,
        "low": 0.77,
        "high": 0.85,
        "judged": not why,
        "held": True,
        "threshold": [0.5, None],
        "true_here": True,
        "seeds": len(seeds),
        "share": 1.0,
    }
    bundle = card.bundle(record | changed, why=why, kept=kept)
    return ElementTree.fromstring(bundle["text/html"]), bundle["text/plain"]


def circles(page):
    return [(float(c.get("cx")), float(c.get("cy"))) for c in page.iter("circle")]


def paths(page):
    """Paths of the drawing: crosses, arrows, diamonds."""
    found = {"cross": [], "arrow": [], "diamond": []}
    for path in page.iter("path"):
        d = path.get("d")
        found["diamond" if d.endswith("z") else "cross" if "m" in d else "arrow"].append(d)
    return found


def across(path):
    """Walk along a path, and return every x that it reaches."""
    at, reached = 0.0, []
    for command, x, _ in re.findall(r"([Mml]?)\s*(-?[\d.]+)[\s,]?(-?[\d.]+)", path):
        at = float(x) if command == "M" else at + float(x)
        reached.append(at)
    return reached


def middle(path):
    return (min(across(path)) + max(across(path))) / 2


def test_every_kept_seed_is_one_circle_and_this_run_one_diamond():
    page, _ = drawn()
    assert len(circles(page)) == len(SEEDS)
    assert len(paths(page)["diamond"]) == 1
    assert paths(page)["cross"] == []


def test_equal_seeds_are_still_counted():
    page, _ = drawn(dict.fromkeys(range(5), 0.8), low=0.8, high=0.8, observed=0.8)
    assert len(set(circles(page))) == 5
    assert len({x for x, _ in circles(page)}) == 1


def test_all_numbers_equal_make_a_picture_too():
    page, _ = drawn({0: 0.5, 1: 0.5}, {0: 0.5}, low=0.5, high=0.5, observed=0.5)
    assert len(circles(page)) == 2 and len(paths(page)["cross"]) == 1


def test_every_run_of_the_mutant_is_a_cross_and_its_mean_stands_in_the_words():
    page, text = drawn(mutant={0: 0.70, 1: 0.72, 2: None})
    assert len(paths(page)["cross"]) == 2
    assert paths(page)["arrow"] == []
    assert "mutant 71.0 %" in text


def test_what_gave_no_number_is_said_and_not_drawn():
    page, text = drawn(mutant={0: None})
    assert paths(page)["cross"] == []
    assert "mutant not a number" in text
    page, text = drawn(observed=None, held=False, true_here=False)
    assert paths(page)["diamond"] == []
    assert len(circles(page)) == len(SEEDS)
    assert "this run not a number" in text


@pytest.mark.parametrize("far", [-1e3, 1e3, -1e300, 1e300])
def test_a_mutant_far_away_stays_in_the_picture_and_leaves_the_seeds_apart(far):
    page, _ = drawn(mutant={0: far})
    (cross,), (arrow,) = paths(page)["cross"], paths(page)["arrow"]
    reached = across(cross) + across(arrow)
    assert min(reached) >= 0 and max(reached) <= WIDTH
    assert max(x for x, _ in circles(page)) - min(x for x, _ in circles(page)) > 20
    # The arrow's tip points to where the mutant would be.
    start, tip, _ = across(arrow)
    assert (tip < start) is (far < 0)


def test_numbers_stand_in_their_order_from_left_to_right():
    page, _ = drawn(
        {0: 0.4, 1: 0.6}, {0: 0.2}, low=0.3, high=0.9, observed=0.8, threshold=[0.5, None]
    )
    (cross,), (diamond,) = paths(page)["cross"], paths(page)["diamond"]
    (left, _), (right, _) = circles(page)
    (threshold,) = (float(x.get("x1")) for x in page.iter("line") if x.get("stroke-dasharray"))
    area = next(page.iter("rect"))
    low, width = float(area.get("x")), float(area.get("width"))
    order = [middle(cross), low, left, threshold, right, middle(diamond), low + width]
    assert order == sorted(order) and len(set(order)) == 7


def test_a_threshold_with_two_ends_is_two_lines():
    page, text = drawn(threshold=[0.6, 0.9])
    assert len([x for x in page.iter("line") if x.get("stroke-dasharray")]) == 2
    assert "within 60.0 to 90.0 %" in text


def test_what_the_picture_shows_stands_beside_it_and_is_read_aloud():
    page, text = drawn(mutant={0: 0.1})
    (picture,) = page.iter("svg")
    assert picture.get("role") == "img"
    assert picture.get("aria-label") in text
    assert picture.get("aria-label") in ["".join(part.itertext()) for part in page.iter("div")]
    for fact in ("81.0 %", "77.0 to 85.0 %", "above 50.0 %", "12 of 12", "10.0 %"):
        assert fact in picture.get("aria-label")


def test_labels_under_the_axis_do_not_collide_and_stay_inside():
    page, _ = drawn(low=0.79, high=0.83, threshold=[0.79, None], unit="a very long unit")
    labels = list(page.iter("text"))
    assert labels
    spans = sorted((float(x.get("x")), 7.2 * len(x.text)) for x in labels)
    for (left, wide), (right, wider) in itertools.pairwise(spans):
        assert left + wide / 2 < right - wider / 2
    (first, wide), (last, wider) = spans[0], spans[-1]
    assert first - wide / 2 > -0.1 and last + wider / 2 < WIDTH + 0.1


def test_everything_written_is_escaped():
    sentence, unit = "1 < 2 & <script>alert('x')</script> \"so\".", "<i>&"
    page, text = drawn(statement=sentence, unit=unit)
    assert sentence in "".join(page.itertext()) and sentence in text
    assert {part.tag for part in page.iter()} == {
        "div", "strong", "svg", "rect", "line", "circle", "path", "text"
    }  # fmt: skip
    page, _ = drawn(why="<b> is '<', the kept seeds used \"&\"")
    assert "<b> is '<', the kept seeds used \"&\"" in "".join(page.itertext())


def test_a_claim_that_is_not_judged_says_why_and_draws_nothing():
    page, text = drawn(why="EPOCHS is 3", held=None, low=None, high=None, share=None)
    assert list(page.iter("svg")) == []
    assert "EPOCHS is 3" in text and "EPOCHS is 3" in "".join(page.itertext())
    assert "81.0 %" in text


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((True, True, True, 2), "held"),
        ((True, True, False, 20), "not here"),
        ((True, False, True, 9), "unexpected"),
        ((True, False, True, 10), "red"),
        ((False, None, False, 20), "not judged"),
    ],
)
def test_a_record_has_one_status(facts, status):
    record = dict(zip(("judged", "held", "true_here", "seeds"), facts, strict=True))
    assert card.status(record) == status


def test_each_status_has_a_mark_and_words_of_its_own():
    five_seeds = dict(list(SEEDS.items())[:5])
    texts = [
        drawn()[1],
        drawn(true_here=False)[1],
        drawn(five_seeds, held=False)[1],
        drawn(held=False)[1],
        drawn(why="smoke")[1],
    ]
    heads = [text.split(":")[0] for text in texts]
    assert len(set(heads)) == len({head[0] for head in heads}) == 5


def test_a_sentence_that_is_false_here_says_for_how_many_seeds_it_is_true():
    _, text = drawn(true_here=False, share=0.75)
    assert "9 of 12" in text.split(":")[0]
