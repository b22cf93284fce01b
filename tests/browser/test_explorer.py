"""The explorers in a browser: for everyone; and the convolution's numbers are those of Conv2D."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import explorer

TINY = np.arange(30.0).reshape(5, 6) % 7
KERNEL = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.5, 2.0], [-1.0, 0.0, 1.0]])


def state(page):
    return page.evaluate("document.querySelector('.course-explorer').convolution()")


def by_keras(picture, kernel, *, padding, stride, dilation):
    import keras

    layer = keras.layers.Conv2D(
        1, kernel.shape, padding=padding, strides=stride, dilation_rate=dilation, use_bias=False
    )
    layer.build((None, *picture.shape, 1))
    layer.set_weights([kernel[:, :, None, None].astype("float32")])
    return np.asarray(layer(picture[None, :, :, None].astype("float32")))[0, :, :, 0]


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 2), (4, 3)])
def test_its_numbers_are_those_of_conv2d(page_of, opened, shape):
    kernel = np.random.default_rng(0).normal(size=shape)
    with opened(page_of(explorer.convolution, TINY, kernel=kernel)) as page:
        for padding, (stride, dilation) in itertools.product(
            ("valid", "same"), ((1, 1), (2, 1), (3, 1), (1, 2))
        ):
            if padding == "valid" and (max(shape) - 1) * dilation + 1 > 5:
                continue
            page.locator("[name=padding]").select_option(padding)
            page.locator("[name=stride]").fill(str(stride))
            page.locator("[name=dilation]").fill(str(dilation))
            wanted = by_keras(TINY, kernel, padding=padding, stride=stride, dilation=dilation)
            np.testing.assert_allclose(state(page)["output"], wanted, atol=1e-4)


def test_keys_move_the_window_and_the_sum_follows(page_of, opened):
    with opened(page_of(explorer.convolution, TINY, kernel=KERNEL)) as page:
        page.locator("[name=column]").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("ArrowRight")
        found = state(page)
        assert (found["row"], found["column"]) == (1, 2)
        sum_here = (TINY[1:4, 2:5] * KERNEL).sum()
        assert found["output"][1][2] == pytest.approx(sum_here)
        text = page.locator(".sum").inner_text()
        assert float(text.split("= ")[-1].replace("−", "-")) == sum_here


def test_a_click_on_the_map_chooses_the_pixel(page_of, opened):
    with opened(page_of(explorer.convolution, TINY, kernel=KERNEL)) as page:
        box = page.locator("[data-map=output]").bounding_box()
        # The map has 3 rows and 4 columns; the last of each.
        page.mouse.click(box["x"] + box["width"] * 0.95, box["y"] + box["height"] * 0.95)
        assert (state(page)["row"], state(page)["column"]) == (2, 3)


def test_weights_can_be_edited_and_chosen(page_of, opened):
    with opened(page_of(explorer.convolution, TINY, kernel=KERNEL)) as page:
        page.locator("[data-weight='1,1']").fill("10")
        edited = KERNEL.copy()
        edited[1, 1] = 10
        options = {"padding": "valid", "stride": 1, "dilation": 1}
        np.testing.assert_allclose(state(page)["output"], by_keras(TINY, edited, **options), 1e-4)
        page.locator("[name=preset]").select_option("blur")
        blur = np.full((3, 3), 1 / 9)
        np.testing.assert_allclose(state(page)["output"], by_keras(TINY, blur, **options), 1e-4)
        page.locator("[name=size]").select_option("5")
        assert np.shape(state(page)["kernel"]) == (5, 5)


def test_the_size_formula_is_shown_and_a_kernel_that_does_not_fit_is_told(page_of, opened):
    with opened(page_of(explorer.convolution, TINY, kernel=KERNEL, stride=2)) as page:
        assert "⌊(5 − 3) / 2⌋ + 1 = 2" in page.locator(".formula").inner_text()
        page.locator("[name=stride]").fill("1")
        page.locator("[name=dilation]").fill("3")
        assert "does not fit" in page.locator(".fault").inner_text()
        page.locator("[name=padding]").select_option("same")
        assert page.locator(".fault").inner_text() == ""
        assert "⌈5 / 1⌉ = 5" in page.locator(".formula").inner_text()


def test_a_picture_of_ones_own_is_read_in_the_browser(page_of, opened, tmp_path):
    own = np.zeros((20, 10), "uint8")
    own[:, 5:] = 255
    Image.fromarray(own).save(tmp_path / "own.png")
    (tmp_path / "none.png").write_text("no picture")
    with opened(page_of(explorer.convolution, TINY, kernel=KERNEL)) as page:
        page.locator("[name=file]").set_input_files(tmp_path / "own.png")
        page.wait_for_function(
            "document.querySelector('.course-explorer').convolution().picture.length === 20"
        )
        np.testing.assert_allclose(state(page)["picture"], own / 255, atol=0.01)
        page.locator("[name=file]").set_input_files(tmp_path / "none.png")
        page.get_by_text("no picture that the browser can read").wait_for()


def test_the_window_moves_by_itself_and_stops(page_of, opened):
    with opened(page_of(explorer.convolution, TINY, kernel=KERNEL)) as page:
        page.get_by_role("button", name="Move the window").click()
        page.wait_for_function(
            "document.querySelector('.course-explorer').convolution().column > 0"
        )
        page.get_by_role("button", name="Stop").click()
        before = state(page)["column"]
        page.wait_for_timeout(900)
        assert state(page)["column"] == before


EXPLORERS = {
    "convolution": (TINY, {"kernel": KERNEL}),
    "receptive_field": ([(3, 1, 1), (2, 2, 1, "max pooling"), (3, 1, 2)], {"size": 64}),
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_axe_finds_no_serious_fault_and_a_phone_does_not_scroll(page_of, opened, serious, name):
    given, options = EXPLORERS[name]
    address = page_of(getattr(explorer, name), given, **options)
    with opened(address, width=390, height=800) as page:
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("name", "said"),
    [("convolution", "feature map"), ("receptive_field", "lines lead from a unit")],
)
def test_without_scripts_a_picture_stands_there(page_of, opened, name, said):
    given, options = EXPLORERS[name]
    address = page_of(getattr(explorer, name), given, **options)
    with opened(address, java_script_enabled=False) as page:
        image = page.locator("img")
        assert image.is_visible()
        assert said in image.get_attribute("alt")


def test_both_stand_on_one_page_and_leave_the_page_alone(page_of, opened, tmp_path):
    both = "".join(
        Path(page_of(getattr(explorer, name), given, **options).removeprefix("file://")).read_text()
        for name, (given, options) in EXPLORERS.items()
    )
    (tmp_path / "both.html").write_text(both)
    with opened((tmp_path / "both.html").as_uri()) as page:
        page.locator("[name=preset]").wait_for()
        page.locator("[name=add]").first.wait_for()
        assert page.evaluate("typeof places + typeof begin + typeof layered") == "undefined" * 3
