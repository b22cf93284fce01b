"""`show`: one PNG, its caption wherever a page may look for it, no axis without meaning."""

import base64
import html.parser
import io
import warnings

import matplotlib
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.figure import Figure
from PIL import Image
from traitlets.config import Config

from course_utils import plots
from course_utils.errors import InputError
from course_utils.plots import appearance

CAPTION = 'The convnet reaches 0.8, the "MLP" <0.6 & falls.'


class _Page(html.parser.HTMLParser):
    """The images of a page, and its captions with their attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.images, self.captions, self.order = [], [], []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.order.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag == "figcaption":
            self.captions.append((dict(attributes), ""))
            self._inside = True

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "figcaption"

    def handle_data(self, text):
        if self._inside:
            attributes, before = self.captions.pop()
            self.captions.append((attributes, before + text))


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Give an IPython that is running, as in a notebook, and none afterwards."""
    assert not InteractiveShell.initialized()
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    yield InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    InteractiveShell.clear_instance()


@pytest.fixture
def figure():
    return plots.bars({"MLP": 0.6, "convnet": 0.8}, xlabel="accuracy", ylabel="model")


def _shown(figure, caption=CAPTION):
    with capture_output() as captured:
        assert plots.show(figure, caption) is None
    assert captured.stderr == ""
    return captured


def _pixels(output):
    return Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))


def test_one_output_with_the_caption_in_every_place_and_read_aloud_once(kernel, figure):
    [output] = _shown(figure).outputs
    assert set(output.data) == {"image/png", "text/html", "text/plain"}
    assert output.metadata == {"image/png": {"alt": CAPTION}}
    assert output.data["text/plain"] == f"[figure] {CAPTION}"
    page = _Page(output.data["text/html"])
    [image] = page.images
    assert image["alt"] == CAPTION
    assert image["src"] == "data:image/png;base64," + output.data["image/png"]
    assert page.order == ["figure", "img", "figcaption"]
    [(attributes, text)] = page.captions
    assert text == CAPTION
    assert attributes["aria-hidden"] == "true"


def test_the_image_carries_its_caption_and_is_white_and_opaque(kernel, figure):
    [output] = _shown(figure, "고양이 분류 정확도는 0.8이다").outputs
    image = _pixels(output)
    assert image.text["Description"] == "고양이 분류 정확도는 0.8이다"
    pixels = np.array(image.convert("RGBA"))
    assert (pixels[..., 3] == 255).all()
    assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1], :3] == 255).all()
    assert len(base64.b64decode(output.data["image/png"])) < 150_000


def test_the_caption_reaches_every_page_that_nbconvert_makes(kernel, figure):
    nbconvert = pytest.importorskip("nbconvert")
    nbformat = pytest.importorskip("nbformat")
    [output] = _shown(figure).outputs
    cell = nbformat.v4.new_code_cell("…")
    cell.outputs = [
        nbformat.v4.new_output("display_data", data=output.data, metadata=output.metadata)
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    for template in ("lab", "classic", "reveal"):
        page, _ = nbconvert.HTMLExporter(template_name=template).from_notebook_node(notebook)
        read = _Page(page)
        assert [image["alt"] for image in read.images] == [CAPTION], template
        # The classic pages prefer the bare PNG.
        assert [text for _, text in read.captions] in ([CAPTION], []), template


def test_without_a_kernel_the_caption_is_printed_on_one_line(figure, capsys):
    plots.show(figure, "  Two lines\n of text. ")
    assert capsys.readouterr().out == "[figure] Two lines of text.\n"


def test_a_pyplot_figure_is_closed_so_that_it_is_not_shown_twice(kernel):
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2])
    axes.set(xlabel="epoch", ylabel="loss")
    _shown(figure)
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    "empty", ["", "   ", "figure", "plot", "This is a figure", "alt text here", "a b c", None, 3]
)
def test_a_caption_that_says_nothing_is_refused(figure, empty):
    with pytest.raises(InputError, match=f"received {empty!r}"):
        plots.show(figure, empty)


@pytest.mark.parametrize(
    ("wrong", "received"), [(np.zeros((2, 2)), "ndarray"), (Figure(), "empty figure")]
)
def test_what_is_no_figure_is_refused(wrong, received):
    with pytest.raises(InputError, match=received):
        plots.show(wrong, CAPTION)


@pytest.mark.parametrize("missing", ["x", "y"])
def test_an_axis_without_label_is_refused(missing):
    figure, [axes] = plots.new_figure()
    axes.plot([1, 2, 3])
    axes.set(xlabel="epoch", ylabel="loss", title="Training")
    axes.set(**{f"{missing}label": "  "})
    with pytest.raises(InputError, match=rf"{missing} axis of panel 1 \(Training\)"):
        plots.show(figure, CAPTION)


def test_pictures_color_bars_and_shared_axes_need_no_label(capsys):
    figure, (picture, left, right) = plots.new_figure(columns=3)
    shades = picture.imshow(np.eye(3))
    picture.set(xticks=[], yticks=[])
    figure.colorbar(shades, ax=picture)
    for axes in (left, right):
        axes.plot([1, 2])
        axes.set_xlabel("epoch")
    left.set_ylabel("loss")
    with pytest.raises(InputError, match="y axis of panel 3"):
        plots.show(figure, CAPTION)
    right.sharey(left)
    plots.show(figure, CAPTION)
    assert capsys.readouterr().out == f"[figure] {CAPTION}\n"
    # A label for the whole figure is enough, too.
    whole, [axes] = plots.new_figure()
    axes.plot([1, 2])
    whole.supxlabel("epoch")
    whole.supylabel("loss")
    plots.show(whole, CAPTION)


def test_hangul_without_a_font_is_told_in_a_sentence_not_by_a_warning(kernel, monkeypatch):
    monkeypatch.setattr(appearance, "_installed_fonts", frozenset)
    figure = plots.bars({"고양이": 0.8}, xlabel="정확도", ylabel="종")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        captured = _shown(figure)
    assert captured.stdout.startswith("No font here has the characters ")
    assert set("고양이정확도종") <= set(captured.stdout)
    assert len(captured.outputs) == 1


def test_other_warnings_still_reach_the_reader(figure, monkeypatch):
    def noisy(*args, **kwargs):
        warnings.warn("something else", UserWarning, stacklevel=1)

    monkeypatch.setattr(figure, "savefig", noisy)
    with pytest.warns(UserWarning, match="something else"):
        plots.show(figure, CAPTION)
