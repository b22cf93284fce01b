"""The explorer's Python half: what it takes, and that its output needs nothing from elsewhere."""

import numpy as np
import pytest

from course_utils import explorer, showing
from course_utils.errors import InputError
from course_utils.publish.inspection import Tags


def shown(monkeypatch, *arguments, **options):
    bundle = {}
    monkeypatch.setattr(showing, "show", bundle.update)
    explorer.convolution(*arguments, **options)
    return bundle


def test_its_output_holds_everything_and_a_picture_in_its_stead(monkeypatch):
    page = shown(monkeypatch, np.eye(6)[..., None], kernel=np.eye(3))["text/html"]
    tags = Tags(page)
    assert list(tags.from_elsewhere()) == [] and list(tags.without_text()) == []
    assert "1.0" in page and "attachShadow" in page


def test_the_same_call_gives_the_same_output(monkeypatch):
    one = shown(monkeypatch, np.eye(6), kernel=np.eye(3))
    assert one == shown(monkeypatch, np.eye(6), kernel=np.eye(3))
    assert one != shown(monkeypatch, np.eye(6), kernel=np.eye(3), stride=2)


def test_a_kernel_that_does_not_fit_is_for_the_reader_to_see(monkeypatch):
    assert "text/html" in shown(monkeypatch, np.eye(3), kernel=np.eye(5))


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
