"""The networks that several chapters train, each by one short function.

All are built for images of a given shape and end in one logit for each class (and each pixel,
where pixels are labeled): a loss with `from_logits=True` belongs to them. None is compiled. First
weights follow from Keras' global seed, so call `keras.utils.set_random_seed` before building.

`classifiers` holds the nets of small images, `encoder_decoder` those that label every pixel,
`families` a small one of each modern architecture, from the blocks in `blocks`.
"""

from course_utils.convnets import blocks
from course_utils.convnets.classifiers import (
    average_pool_net,
    dense_net,
    max_pool_net,
    pooled_net,
    small_data_net,
    unpooled_net,
    vgg_like_net,
)
from course_utils.convnets.encoder_decoder import strided_net, unet
from course_utils.convnets.families import FAMILIES, family_net, measured_families

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
