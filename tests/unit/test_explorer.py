"""The explorers' Python half: what they take; their output needs nothing from elsewhere."""

import base64
import html.parser
import io
import re

import numpy as np
import pytest
from PIL import Image

from course_tools.publish.executed import faults_of_html
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


class Attributes(html.parser.HTMLParser):
    """The attributes of each tag of a page, scripts left out."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def image(page):
    """The image that stands there where scripts do not run."""
    data = re.search(r'src="data:image/png;base64,([^"]+)"', page)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize(
    ("explore", "arguments", "options"),
    [
        (explorer.convolution, (np.eye(6)[..., None],), {"kernel": np.eye(3)}),
        (explorer.receptive_field, ([(3, 1, 1), POOLING],), {}),
    ],
)
def test_an_output_holds_everything_and_an_image_in_its_stead(shown, explore, arguments, options):
    page = shown(explore, *arguments, **options)["text/html"]
    assert list(faults_of_html(page)) == [] and "attachShadow" in page
    assert np.ptp(image(page)) > 100


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
def test_the_image_shows_the_field_of_the_unit_in_the_middle(shown, stack, padding, seen):
    sheet = image(shown(explorer.receptive_field, stack, padding=padding)["text/html"])
    pixels = sheet[-21, (10 + (np.arange(24) + 0.5) * 35).astype(int)]
    assert np.flatnonzero(pixels < 128).tolist() == list(seen)


WRONG_CONVOLUTIONS = [
    (np.zeros((6, 6, 3)), {}, ["image", "(6, 6, 3)"]),
    (np.zeros((2, 6)), {}, ["image", "(2, 6)"]),
    (np.zeros((65, 6)), {}, ["image", "(65, 6)"]),
    ("cat", {}, ["image", "<U3"]),
    (np.full((6, 6), np.nan), {}, ["image", "36 of 36"]),
    (np.eye(6), {"kernel": np.eye(8)}, ["kernel", "(8, 8)"]),
    (np.eye(6), {"kernel": np.full((3, 3), np.inf)}, ["kernel", "9 of 9"]),
    (np.eye(6), {"padding": "SAME"}, ["padding", "'SAME'"]),
    (np.eye(6), {"stride": 0}, ["stride", "received 0"]),
    (np.eye(6), {"dilation": 1.5}, ["dilation", "received 1.5"]),
    (np.eye(6), {"stride": True}, ["stride", "received True"]),
]
WRONG_STACKS = [
    ([], {}, ["received 0"]),
    ([(3, 1, 1)] * 7, {}, ["received 7"]),
    (3, {}, ["received 3"]),
    ([(3, 1, 1), (3, 1)], {}, ["layer 2", "(3, 1)"]),
    ([3, 1, 1], {}, ["layer 1", "received 3"]),
    ([(0, 1, 1)], {}, ["kernel of layer 1", "from 1 to 7", "received 0"]),
    ([(3, 5, 1)], {}, ["stride of layer 1", "from 1 to 4", "received 5"]),
    ([(3, 1, 1.5)], {}, ["dilation of layer 1", "from 1 to 8", "received 1.5"]),
    ([(3, True, 1)], {}, ["stride of layer 1", "received True"]),
    ([(2, 2, 1, "pooling")], {}, ["layer 1: kind", "'pooling'"]),
    ([(2, 2, 2, "max pooling")], {}, ["layer 1", "received 2"]),
    ([(3, 1, 1)], {"size": 3}, ["size", "from 4 to 64", "received 3"]),
    ([(3, 1, 1)], {"padding": "full"}, ["padding", "'full'"]),
    ([(2, 1, 1)], {"padding": "same"}, ["layer 1", "odd"]),
    ([(3, 4, 1)] * 3, {}, ["layer 3", "1"]),
]


@pytest.mark.parametrize(
    ("explore", "given", "options", "said"),
    [
        *(
            (explorer.convolution, one, {"kernel": np.eye(3)} | o, s)
            for one, o, s in WRONG_CONVOLUTIONS
        ),
        *((explorer.receptive_field, one, o, s) for one, o, s in WRONG_STACKS),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_given(explore, given, options, said):
    kernel = {"kernel": np.eye(3)} if explore is explorer.convolution else {}
    with pytest.raises(InputError) as error:
        explore(given, **kernel | options)
    assert all(part in str(error.value) for part in said)
