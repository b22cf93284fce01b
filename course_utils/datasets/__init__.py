"""One door to every data set: embedded, real, or a folder of your own images.

`open` gives three parts that share no image; each part is arrays and, by `batches`, `tf.data`.
"""

from __future__ import annotations

from pathlib import Path

from course_utils.datasets import own
from course_utils.datasets.parts import DataSet, Part, StreamedPart
from course_utils.datasets.photographs import photograph
from course_utils.datasets.real import NEEDS, open_real
from course_utils.datasets.registry import unknown

__all__ = ["DataSet", "Part", "StreamedPart", "names", "open", "photograph"]

_EMBEDDED = ("things", "creatures", "colour_things")


def names() -> tuple[str, ...]:
    """The sets that `open` knows: the embedded ones, then the real ones.

    Example:
        >>> names()
        ('things', 'creatures', 'colour_things', 'fashion_mnist', 'cifar10', 'cats_vs_dogs', ...)
    """
    return (*_EMBEDDED, *NEEDS)


def open(
    name: str | Path,
    *,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    seed: int = 0,
    size: int | None = None,
) -> DataSet:
    """Open a data set.

    Args:
        name: "things" (10 classes, 28×28 gray, drawn), "creatures" (cat and dog, 64×64 color,
            drawn), "colour_things" (10 classes, 32×32 color, drawn), "fashion_mnist"
            (10 classes, 28×28 gray, real), "cifar10" (10 classes, 32×32 color, real), or a set
            of photographs: "cats_vs_dogs" (2 classes), "flowers" (5 classes), "oxford_pets"
            (2 classes, with trimaps). Or a folder of your own images, as "photos/" (see below).
        train: images to train on; None is all of a real set, the usual number of a drawn one.
        validation: images to choose by, likewise.
        test: images to judge by once, likewise.
        seed: of the drawing; a real set's parts are fixed by the order of its files, and the
            first images of each part are taken.
        size: height and width, in pixels, to which photographs are resized as they are decoded;
            None is the set's usual size, the only one that all other sets have; your own images
            are usually 150.

    Your own images lie in a folder of folders, one for each class and with its name. JPEG and PNG
    are read, in any color mode, turned as the camera was held; transparency is dropped. The folder
    itself is only read: on the first call its images are inspected, and copied into the cache;
    again only when files change. `course data photos/` says what was left out, and why.

    The part of an image follows from the SHA-256 of its file: its first 32 bits, as a share of all
    values, are below 0.6 for training, below 0.8 for validation, and the rest for test. So an image
    stays in its part when others are added. Near-identical images, such as one photo in two sizes,
    go where the least of their hashes says, all into one part; only an image that joins
    them may move them. A file that lies in two classes is left out of both.

    Returns:
        The set, with parts that share no image.

    Raises:
        InputError: unknown name, more images than there are, a real set that is not prepared
            (`course data NAME`), a size for a set that has one; no such folder, or one that is
            empty, has one class, images outside the folders of classes, folders within these, or
            a class without an image for each part.
        WorldError: the cache cannot be written.

    Example:
        >>> open("things", train=20, validation=10, test=10)
        things: 20 training, 10 validation and 10 test images, 28×28 gray, 10 ...
    """
    counts = {"train": train, "validation": validation, "test": test}
    if name in _EMBEDDED:
        # Only here, since it costs the time to load what draws.
        from course_utils.datasets.embedded import open_embedded

        return open_embedded(name, counts, seed=seed, size=size)
    if name in names():
        return open_real(name, counts, size=size)
    if own.is_folder(name):
        return own.open_own(name, counts, size=size)
    raise unknown("data sets", names(), name)
