"""The explorer's Python half: what it takes, and that its output needs nothing from elsewhere."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from course_tools.publish.inspection import Tags
from course_utils import explorer, showing
from course_utils.errors import InputError

POOLING = (2, 2, 1, "max pooling")


@pytest.fixture
def shown(monkeypatch):
    """Call an explorer; returns what it shows."""

    def call(explore, *arguments, **options):
        bundle = {}
        monkeypatch.setattr(showing, "show", bundle.update)
        explore(*arguments, **options)
        return bundle

    return call


def picture(page):
    """The picture that stands there where scripts do not run."""
    data = re.search(r'src="data:image/png;base64,([^"]+)"', page)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize(
    ("explore", "arguments", "options"),
    [
        (explorer.convolution, (np.eye(6)[..., None],), {"kernel": np.eye(3)}),
        (explorer.receptive_field, ([(3, 1, 1), POOLING],), {}),
    ],
)
def test_an_output_holds_everything_and_a_picture_in_its_stead(shown, explore, arguments, options):
    page = shown(explore, *arguments, **options)["text/html"]
    tags = Tags(page)
    assert list(tags.from_elsewhere()) == [] and list(tags.without_text()) == []
    assert tags.open_blocks == 0 and "attachShadow" in page
    assert np.ptp(picture(page)) > 100


def test_the_same_call_gives_the_same_output(shown):
    one = shown(explorer.convolution, np.eye(6), kernel=np.eye(3))
    assert one == shown(explorer.convolution, np.eye(6), kernel=np.eye(3))
    assert one != shown(explorer.convolution, np.eye(6), kernel=np.eye(3), stride=2)
    stack = shown(explorer.receptive_field, [(3, 1, 1), POOLING])
    assert stack == shown(explorer.receptive_field, ((3, 1, 1, "convolution"), [*POOLING]))
    assert stack != shown(explorer.receptive_field, [(3, 1, 1), POOLING], size=20)


def test_a_kernel_that_does_not_fit_is_for_the_reader_to_see(shown):
    assert "text/html" in shown(explorer.convolution, np.eye(3), kernel=np.eye(5))


@pytest.mark.parametrize(
    ("stack", "padding", "seen"),
    [
        ([(3, 1, 1)] * 2, "valid", range(10, 15)),  # of 20 units, number 10
        ([(3, 1, 2)] * 2, "valid", range(8, 17, 2)),  # of 16, number 8: nothing between
        ([(3, 1, 1), POOLING], "valid", range(10, 14)),  # of 11, number 5
        ([(3, 2, 1)], "same", range(12, 15)),  # of 12, number 6; the one zero stands at the end
    ],
)
def test_the_picture_shows_the_field_of_the_unit_in_the_middle(shown, stack, padding, seen):
    sheet = picture(shown(explorer.receptive_field, stack, padding=padding)["text/html"])
    pixels = sheet[-21, (10 + (np.arange(24) + 0.5) * 35).astype(int)]
    assert np.flatnonzero(pixels < 128).tolist() == list(seen)


@pytest.mark.parametrize(
    ("picture", "options", "said"),
    [
        (np.zeros((6, 6, 3)), {}, "expected the picture as"),
        (np.zeros((2, 6)), {}, "with 3 to 64 a side, received"),
        (np.zeros((65, 6)), {}, "with 3 to 64 a side, received"),
        ("cat", {}, "received str"),
        (np.full((6, 6), np.nan), {}, "a picture of finite numbers"),
        (np.eye(6), {"kernel": np.eye(8)}, "expected the kernel as"),
        (np.eye(6), {"kernel": np.full((3, 3), np.inf)}, "a kernel of finite numbers"),
        (np.eye(6), {"padding": "SAME"}, "'valid' or 'same', received 'SAME'"),
        (np.eye(6), {"stride": 0}, "stride to be a whole number from 1 to 6, received 0"),
        (np.eye(6), {"dilation": 1.5}, "dilation to be a whole number from 1 to 6"),
        (np.eye(6), {"stride": True}, "received True"),
    ],
)
def test_a_wrong_argument_is_told(picture, options, said):
    with pytest.raises(InputError) as error:
        explorer.convolution(picture, **({"kernel": np.eye(3)} | options))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("layers", "options", "said"),
    [
        ([], {}, "expected a list of 1 to 6 layers, received 0: give each as (kernel, stride, dil"),
        ([(3, 1, 1)] * 7, {}, "1 to 6 layers, received 7"),
        (3, {}, "1 to 6 layers, received 3"),
        ([(3, 1, 1), (3, 1)], {}, "expected layer 2 as (kernel, stride, dilation), or with its"),
        ([3, 1, 1], {}, "expected layer 1 as (kernel, stride, dilation)"),
        ([(0, 1, 1)], {}, "the kernel of layer 1 to be a whole number from 1 to 7, received 0"),
        ([(3, 5, 1)], {}, "the stride of layer 1 to be a whole number from 1 to 4, received 5"),
        ([(3, 1, 1.5)], {}, "the dilation of layer 1 to be a whole number from 1 to 8"),
        ([(3, True, 1)], {}, "the stride of layer 1 to be a whole number from 1 to 4, received Tr"),
        ([(2, 2, 1, "pooling")], {}, "to be 'convolution' or 'max pooling', received 'pooling'"),
        ([(2, 2, 2, "max pooling")], {}, "expected dilation 1 in layer 1, received 2: Keras has"),
        ([(3, 1, 1)], {"size": 3}, "size to be a whole number from 4 to 64, received 3"),
        ([(3, 1, 1)], {"padding": "full"}, "'valid' or 'same', received 'full'"),
        ([(2, 1, 1)], {"padding": "same"}, 'layer 1: expected an odd kernel with padding "same"'),
        ([(3, 4, 1)] * 3, {}, "layer 3: expected a kernel that fits into its input of 1"),
    ],
)
def test_a_wrong_stack_is_told(layers, options, said):
    with pytest.raises(InputError) as error:
        explorer.receptive_field(layers, **options)
    assert said in str(error.value)
