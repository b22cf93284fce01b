"""One door to every data set, embedded or real.

`open` gives three parts that share no picture; each part is arrays and, by `batches`, `tf.data`.
"""

from __future__ import annotations

import difflib

from course_utils.datasets.parts import DataSet, Part
from course_utils.datasets.photographs import photograph
from course_utils.datasets.real import REAL, open_real
from course_utils.datasets.streams import StreamedPart
from course_utils.errors import InputError

__all__ = ["DataSet", "Part", "StreamedPart", "names", "open", "photograph"]

_EMBEDDED = ("things", "creatures", "colour_things")


def names() -> tuple[str, ...]:
    """The sets that `open` knows: the embedded ones, then the real ones.

    Example:
        >>> names()
        ('things', 'creatures', 'colour_things', 'fashion_mnist', 'cifar10', 'cats_vs_dogs', ...)
    """
    return _EMBEDDED + REAL


def open(
    name: str,
    *,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    seed: int = 0,
    size: int | None = None,
) -> DataSet:
    """Open a data set.

    Args:
        name: "things" (10 classes, 28×28 grey, drawn), "creatures" (cat and dog, 64×64 colour,
            drawn), "colour_things" (10 classes, 32×32 colour, drawn), "fashion_mnist"
            (10 classes, 28×28 grey, real), "cifar10" (10 classes, 32×32 colour, real), or a set
            of photographs: "cats_vs_dogs" (2 classes), "flowers" (5 classes), "oxford_pets"
            (2 classes, with trimaps).
        train: pictures to train on; None is all of a real set, the usual number of a drawn one.
        validation: pictures to choose by, likewise.
        test: pictures to judge by once, likewise.
        seed: of the drawing; a real set's parts are fixed by the order of its files, and the
            first pictures of each part are taken.
        size: height and width, in pixels, to which photographs are resized as they are decoded;
            None is the set's usual size, the only one that all other sets have.

    Returns:
        The set, with parts that share no picture.

    Raises:
        InputError: unknown name, more pictures than there are, missing or altered files, a size
            for a set that has one.
        WorldError: the cache cannot be written.

    Example:
        >>> open("things", train=20, validation=10, test=10)
        things: 20 training, 10 validation and 10 test pictures, 28×28 grey, 10 ...
    """
    counts = {"train": train, "validation": validation, "test": test}
    if name in _EMBEDDED:
        from course_utils.datasets.embedded import open_embedded

        opened = open_embedded(name, counts, seed=seed)
        if size not in (None, opened.image_shape[0]):
            raise InputError(
                f"expected no size for {name}, which is drawn at {opened.image_shape[0]} pixels, "
                f"received {size!r}: leave it"
            )
        return opened
    if name in REAL:
        return open_real(name, counts, size=size)
    near = difflib.get_close_matches(str(name), names(), n=1, cutoff=0.0)
    raise InputError(
        f"expected one of the data sets {', '.join(names())}, received {name!r}: "
        f"did you mean {near[0]!r}?"
    )
