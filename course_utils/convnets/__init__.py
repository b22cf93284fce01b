"""The networks that several chapters train, each by one short function.

All are built for pictures of a given shape and end in one logit for each class (and each pixel,
where pixels are labelled): a loss with `from_logits=True` belongs to them. None is compiled. First
weights follow from Keras' global seed, so call `keras.utils.set_random_seed` before building.

`fashion` holds the nets of small grey pictures, `few_pictures` the one that learns from few
coloured ones, `segmenting` those that label every pixel, `families` a small one of each modern
architecture, from the blocks in `blocks`.
"""

from course_utils.convnets import blocks
from course_utils.convnets.families import FAMILIES, family_net, measured_families
from course_utils.convnets.fashion import (
    average_pool_net,
    dense_net,
    max_pool_net,
    pooled_net,
    unpooled_net,
    vgg_like_net,
)
from course_utils.convnets.few_pictures import small_data_net
from course_utils.convnets.segmenting import strided_net, unet

__all__ = [
    "FAMILIES",
    "average_pool_net",
    "blocks",
    "dense_net",
    "family_net",
    "max_pool_net",
    "measured_families",
    "pooled_net",
    "small_data_net",
    "strided_net",
    "unet",
    "unpooled_net",
    "vgg_like_net",
]
