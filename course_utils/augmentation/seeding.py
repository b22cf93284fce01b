"""Random steps of a `tf.data` pipeline that run in parallel and still repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from course_utils.augmentation.ranges import check_seed

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["in_parallel"]


def in_parallel(
    dataset: tf.data.Dataset, change: Callable[..., tuple], *, seed: int
) -> tf.data.Dataset:
    """Change each element by a function that is handed a random number with it.

    A random layer, or a random operation with a state, counts its calls: in a parallel map the
    count that an element meets depends on the threads, and no two runs agree. Here the numbers
    are dealt out one by one before the parallel step, and the function remembers nothing.

    Args:
        dataset: elements that are a tensor or a tuple.
        change: (number int64 (2,), *element) to the parts of the new element, as a tuple. To be
            used with `tf.random.stateless_*`, which depends on the number alone.
        seed: of the numbers; the global seed counts as well. Each time the dataset is iterated,
            as in each epoch, other numbers follow.

    Returns:
        The changed elements, in their order, the next ones made while one is used.

    Raises:
        InputError: the seed is not a whole number of 0 or more.

    Example:
        >>> import tensorflow as tf
        >>> zeros = tf.data.Dataset.from_tensor_slices(tf.zeros(2))
        >>> noisy = in_parallel(
        ...     zeros, lambda number, x: (x + tf.random.stateless_uniform((), number),), seed=0
        ... )
        >>> first, second = noisy.as_numpy_iterator()
        >>> bool(first != second)
        True
    """
    import tensorflow as tf

    check_seed(seed)
    is_tuple = isinstance(dataset.element_spec, tuple)

    def step(number: tf.Tensor, element: tf.Tensor | tuple) -> tf.Tensor | tuple:
        changed = change(tf.stack([number, seed]), *(element if is_tuple else (element,)))
        return changed if is_tuple else changed[0]

    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    return (
        tf.data.Dataset.zip(numbers, dataset)
        .map(
            tf.autograph.experimental.do_not_convert(step),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .prefetch(tf.data.AUTOTUNE)
    )
