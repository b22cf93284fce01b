"""The stack to play with: sizes, fields, values and ways are those of Keras and of the course."""

import re

import numpy as np
import pytest

from course_utils import architecture, explorer
from course_utils.architecture import rules

POOLING = (2, 2, 1, "max pooling")
THREE = [(3, 1, 1)] * 3
NET = [(3, 1, 1), POOLING, (3, 1, 1), POOLING, (3, 1, 1)]
# Stride and dilation together are nowhere: Keras refuses them.
STACKS = {
    "three": THREE,
    "strides": [(3, 2, 1), (3, 2, 1), (3, 1, 1)],
    "dilations": [(3, 1, 1), (3, 1, 2), (3, 1, 4)],
    "holes": [(3, 1, 3), (3, 1, 2)],
    "net": NET,
    "even and large": [(4, 3, 1), (2, 1, 1), (3, 2, 1, "max pooling")],
    "stride over kernel": [(2, 3, 1), (1, 2, 1), (2, 2, 1)],
    "pooling alone": [(3, 1, 1, "max pooling"), POOLING],
}


@pytest.fixture
def field_page(page_of):
    return lambda *arguments, **options: page_of(explorer.receptive_field, *arguments, **options)


def state(page):
    return page.evaluate("document.querySelector('.course-explorer').receptiveField()")


def keras_stack(size, layers, *, padding, sums=False):
    """One column of pixels through the layers, weights all 1; with `sums`, poolings add up too."""
    import keras

    network = keras.Sequential([keras.Input((size, 1, 1))])
    for kernel, stride, dilation, *kind in layers:
        if kind and not sums:
            layer = keras.layers.MaxPooling2D((kernel, 1), stride, padding=padding)
        else:
            layer = keras.layers.Conv2D(
                1,
                (kernel, 1),
                stride,
                padding=padding,
                dilation_rate=(dilation, 1),
                kernel_initializer="ones",
            )
        network.add(layer)
    return network


def ways_by_gradient(network, unit):
    """In how many ways each pixel reaches a unit: its gradient with all weights 1."""
    import tensorflow as tf

    picture = tf.zeros((1, *network.input_shape[1:]))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        answer = network(picture)[0, unit, 0, 0]
    return tape.gradient(answer, picture).numpy()[0, :, 0, 0]


def dense(pairs, size):
    """Pairs of unit and number as an array; what is padding is left out."""
    found = np.zeros(size)
    for unit, number in pairs:
        if 0 <= unit < size:
            found[unit] = number
    return found


@pytest.mark.parametrize("size", [24, 37])
@pytest.mark.parametrize("name", STACKS)
def test_its_numbers_are_those_of_keras_and_of_the_course(field_page, opened, name, size):
    layers = STACKS[name]
    with opened(field_page(layers, size=size)) as page:
        for padding in ("valid", "same"):
            page.locator("[name=padding]").select_option(padding)
            network = keras_stack(size, layers, padding=padding)
            seen = rules.sights(*rules.walk(network))
            now = state(page)
            wanted = np.array(now["value"][0], "float32")[None, :, None, None]
            for number, layer in enumerate(network.layers):
                row, (side, _) = now["rows"][number + 1], seen[number]
                wanted = layer(wanted)
                np.testing.assert_array_equal(now["value"][number + 1], wanted[0, :, 0, 0])
                assert row["size"] == wanted.shape[1]
                assert row["field"] == architecture.receptive_field(network, layer.name)[0]
                assert (row["jump"], row["origin"]) == (side.step, (side.start + side.end) / 2)
            sums = keras_stack(size, layers, padding=padding, sums=True)
            last = now["rows"][-1]["size"] - 1
            for unit in {0, last // 2, last}:
                page.locator("[name=unit]").fill(str(unit))
                now = state(page)
                assert (now["row"], now["unit"]) == (len(layers), unit)
                np.testing.assert_array_equal(
                    dense(now["ways"][0], size), ways_by_gradient(sums, unit)
                )


def test_keys_choose_a_unit_of_any_layer(field_page, opened):
    with opened(field_page(THREE)) as page:
        assert "depends on 7 pixels, 9 to 15" in page.locator(".where").inner_text()
        page.locator("[name=unit]").focus()
        page.keyboard.press("ArrowRight")
        assert (
            "Unit 10 of layer 3 depends on 7 pixels, 10 to 16"
            in page.locator(".where").inner_text()
        )
        assert "1, 3, 6, 7, 6, 3, 1." in page.locator(".count").inner_text()
        assert page.locator("[name=unit]").get_attribute("aria-valuetext") == "unit 10 of 0 to 17"
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("ArrowDown")
        found = state(page)
        assert found["row"] == 2 and len(found["ways"][0]) == 5
        page.locator("[name=row]").select_option("the input")
        assert "pixel" in page.locator(".where").inner_text()
        assert len(state(page)["ways"]) == 1


def test_a_click_chooses_the_unit_under_it(field_page, opened):
    with opened(field_page(NET), width=390) as page:
        boxes = page.locator("svg rect")
        # Drawn row by row from the input, in valid padding without any other box.
        sizes = [row["size"] for row in state(page)["rows"]]
        assert boxes.count() == sum(sizes)
        for row, unit in ((0, 23), (1, 0), (3, 7), (5, 1)):
            boxes.nth(sum(sizes[:row]) + unit).click()
            assert (state(page)["row"], state(page)["unit"]) == (row, unit)
            assert page.locator("rect.chosen").count() == 1
            lit = sum(len(ways) for ways in state(page)["ways"])
            assert page.locator("rect.on").count() == lit


def test_layers_are_added_edited_and_removed(field_page, opened):
    with opened(field_page([(3, 1, 1)])) as page:
        page.get_by_role("button", name="Add max pooling").click()
        page.get_by_role("button", name="Add a convolution").click()
        assert [row["field"] for row in state(page)["rows"]] == [1, 3, 4, 8]
        assert state(page)["row"] == 3
        third = page.get_by_role("group", name="layer 3")
        third.locator("[name=dilation]").fill("3")
        assert "field 4 + (3 − 1)·3·2 = 16" in third.locator(".sum").inner_text()
        assert "units ⌊(11 − 7) / 1⌋ + 1 = 5" in third.locator(".sum").inner_text()
        third.locator("[name=kind]").select_option("max pooling")
        assert third.locator("[name=dilation]").is_disabled()
        assert page.evaluate(
            "document.querySelector('.course-explorer').shadowRoot.activeElement.name === 'kind'"
        )
        assert state(page)["layers"][2] == {
            "kind": "max pooling",
            "kernel": 3,
            "stride": 1,
            "dilation": 1,
        }
        for number in (1, 1):
            page.get_by_role("button", name=f"Remove layer {number}").click()
        assert [layer["kernel"] for layer in state(page)["layers"]] == [3]
        assert page.get_by_role("button", name="Remove layer 1").is_disabled()
        for _ in range(5):
            page.get_by_role("button", name="Add a convolution").click()
        assert page.get_by_role("button", name="Add a convolution").is_disabled()
        before = state(page)["layers"]
        page.locator("[name=kernel]").first.fill("9")  # out of range: nothing happens
        assert state(page)["layers"] == before


def test_max_pooling_shows_its_maximum_and_where_it_came_from(field_page, opened):
    with opened(field_page(STACKS["pooling alone"])) as page:
        page.locator("[name=numbers]").select_option("values")
        found = state(page)
        window = [unit for unit, _ in found["ways"][0]]
        largest = max(found["value"][0][pixel] for pixel in window)
        said = re.search(r"value: (\d+), the .* pixel (\d+)\.", page.locator(".count").inner_text())
        assert int(said[1]) == largest == found["value"][0][int(said[2])]
        assert int(said[2]) in window
        assert page.locator("rect.won").count() == page.locator("line.to-won").count() == 2
        page.locator("[name=kind]").first.select_option("convolution")
        assert re.search(r"from unit \d+ of layer 1\.", page.locator(".count").inner_text())
        page.locator("[name=row]").select_option("layer 1")
        terms = re.search(r"(\d+) = ([\d +]+)\.", page.locator(".count").inner_text())
        assert int(terms[1]) == sum(map(int, terms[2].split(" + ")))


def test_padding_holes_and_layers_that_do_not_fit_are_told(field_page, opened):
    with opened(field_page(STACKS["holes"], padding="same")) as page:
        where = page.locator(".where")
        assert "9 of the 11 pixels from 7 to 17; it skips" in where.inner_text()
        assert "padding" not in where.inner_text()
        page.locator("[name=unit]").fill("0")
        assert "It also sees padding, in 3 places." in where.inner_text()
        assert page.locator("rect.pad.on").count() == 3
        page.locator("[name=stride]").first.fill("2")
        assert "Keras refuses" in page.locator(".fault").inner_text()
        page.locator("[name=padding]").select_option("valid")
        page.locator("[name=size]").fill("8")
        assert (
            "Layer 2 reaches over 5 units and does not fit on 1"
            in page.locator(".fault").inner_text()
        )
        assert state(page)["row"] == 1
        assert page.locator(".sum").last.inner_text() == "no unit fits"


def test_a_unit_that_sees_padding_alone_is_told(field_page, opened):
    with opened(field_page([(3, 1, 1)], size=4, padding="same")) as page:
        page.locator("[name=kernel]").fill("2")
        page.locator("[name=dilation]").fill("8")
        page.locator("[name=unit]").fill("0")
        where = page.locator(".where").inner_text()
        assert "depends on no pixel." in where and "padding, in 2 places" in where
        assert page.locator(".count").inner_text() == ""
        page.locator("[name=numbers]").select_option("values")
        assert page.locator(".count").inner_text() == "Its value: 0 = 0 + 0."


def test_the_drawing_follows_the_width(field_page, opened):
    with opened(field_page(THREE)) as page:
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_function(
            "document.querySelector('.course-explorer').shadowRoot.querySelector('svg')"
            ".viewBox.baseVal.width < 390"
        )
        right = page.evaluate("document.documentElement.scrollWidth")
        assert right <= 390
