import random

import pytest

from course_utils.datasets.splits import by_index, shuffled
from course_utils.errors import InputError

COUNTS = {"train": 3, "validation": 1, "test": 2}


def split(labels, together=(), counts=COUNTS, classes=("cat", "dog")):
    return by_index(labels, counts=counts, together=together, classes=classes)


def test_each_class_is_split_by_index():
    labels = [0] * 7 + [1] * 6
    assert split(labels) == {
        "train": [0, 1, 2, 7, 8, 9],
        "validation": [3, 10],
        "test": [4, 5, 11, 12],
    }


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ([0, 5], {"train": [0, 1, 5], "validation": [2], "test": [3, 4]}),
        ([3, 4], {"train": [0, 1, 2], "validation": [5], "test": [3, 4]}),
        ([2, 5], {"train": [0, 2, 5], "validation": [1], "test": [3, 4]}),
        ([0, 1, 2, 3], {"train": [4, 5, 6], "validation": [7], "test": [8, 9]}),
    ],
    ids=["far apart", "no room in its own part", "at the border", "no room anywhere"],
)
def test_what_belongs_together_stays_together(group, expected):
    count = max(max(indices) for indices in expected.values()) + 1
    assert split([0] * count, [group], classes=("cat",)) == expected


@pytest.mark.parametrize("seed", range(20))
def test_no_image_is_in_two_parts_and_every_part_is_full(seed):
    rng = random.Random(seed)
    labels = [rng.randrange(2) for _ in range(60)]
    shuffled_indices = rng.sample(range(60), 18)
    groups = [sorted(shuffled_indices[k : k + 3]) for k in range(0, 18, 3)]
    # As in `prepare`: groups with two labels are left out before.
    groups = [group for group in groups if len({labels[i] for i in group}) == 1]
    counts = {"train": 7, "validation": 3, "test": 5}
    parts = split(labels, groups, counts)
    everything = [i for indices in parts.values() for i in indices]
    assert len(everything) == len(set(everything)) == 30
    for part, indices in parts.items():
        assert [sum(labels[i] == k for i in indices) for k in (0, 1)] == [counts[part]] * 2
        assert indices == sorted(indices)
        for group in groups:
            assert not set(group) & set(indices) or set(group) <= set(indices)


def test_the_shuffle_is_that_of_the_lessons():
    names = [f"{k:03}" for k in range(50)]
    order = list(names)
    random.Random(1337).shuffle(order)
    parts = shuffled(names, counts={"validation": 10}, seed=1337, what="images")
    assert parts == {"train": order[:-10], "validation": order[-10:]}
    fewer = shuffled(names, counts={"train": 5, "validation": 10}, seed=1337, what="images")
    assert fewer == {"train": order[:5], "validation": order[-10:]}
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: split([0] * 6 + [1] * 5), "6 .*dog.* received 5"),
        # Enough images, but all are one group, which fits nowhere.
        (lambda: split([0] * 7, [list(range(7))], classes=("cat",)), "6 .*cat.* received 0"),
        (lambda: pairs({"train": 6, "validation": 3}), "9 .*pairs.* received 8"),
        (lambda: pairs({"validation": 8}), "9 .*pairs.* received 8"),
        (lambda: pairs({"validation": 2, "test": 2}), "received .*'test': 2"),
    ],
)
def test_what_cannot_be_split(call, words):
    with pytest.raises(InputError, match=words):
        call()


def pairs(counts):
    return shuffled(range(8), counts=counts, seed=0, what="pairs")
