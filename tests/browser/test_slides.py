"""Decks: each opens from a file, walks from its first to its last slide, and fits 1280 × 720."""

import shutil

import pytest

# In a deck: bottom and right of all that is seen on the present slide, and how much of it there is.
EXTENT = """() => {
  let bottom = 0, right = 0, area = 0;
  for (const part of Reveal.getCurrentSlide().querySelectorAll("*")) {
    if (part.closest("aside, [role=presentation]")) continue;
    const box = part.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    bottom = Math.max(bottom, box.bottom); right = Math.max(right, box.right);
    area += box.width * box.height;
  }
  return [bottom, right, area];
}"""
SMALLEST = 0.45


def decks(site):
    return sorted((site / "slides").glob("*.html"))


def walk(page):
    """Go through a deck; returns what overflows and how many slides there are."""
    page.wait_for_selector("html[data-deck=ready]", timeout=30_000)
    over, count = [], 0
    while True:
        count += 1
        bottom, right, area = page.evaluate(EXTENT)
        words = page.evaluate("Reveal.getCurrentSlide().textContent.trim().slice(0, 60)")
        if bottom > 721 or right > 1281 or area < 1000:
            over.append((count, bottom, right, area, words))
        if page.evaluate("Reveal.isLastSlide()") or count > 500:
            return over, count
        page.keyboard.press("Space")


def test_every_deck_walks_from_first_to_last_slide_and_none_overflows(site, opened):
    assert decks(site)
    for deck in decks(site):
        with opened(deck.as_uri(), height=720) as page:
            over, count = walk(page)
            assert (deck.name, over) == (deck.name, [])
            assert count == page.evaluate("Reveal.getTotalSlides()") > 3
            scales = page.eval_on_selector_all(
                "[data-scale]", "all => all.map(n => +n.dataset.scale)"
            )
            assert all(scale >= SMALLEST for scale in scales), (deck.name, sorted(scales)[:3])


def test_a_slide_that_overflows_is_found(site, tmp_path, opened):
    shutil.copytree(site / "slides", tmp_path / "slides")
    deck = decks(tmp_path)[0]
    tall = '<div style="position:absolute;top:0;height:900px;width:10px">x</div></section>'
    text = deck.read_text("utf-8").replace("</section>", tall, 1)
    deck.write_text(text.replace('src="deck/deck.js"', 'src="deck/plain.js"'), "utf-8")
    plain = "Reveal.initialize({width: 1280, height: 720, margin: 0, keyboard: true});"
    ready = "document.documentElement.dataset.deck = 'ready';"
    (tmp_path / "slides" / "deck" / "plain.js").write_text(plain + ready)
    with opened(deck.as_uri(), height=720) as page:
        assert walk(page)[0]


def test_axe_finds_no_serious_fault_on_slides(site, opened, serious):
    for deck in decks(site):
        with opened(deck.as_uri(), height=720) as page:
            page.wait_for_selector("html[data-deck=ready]", timeout=30_000)
            for place in (0, 3, 8):
                page.evaluate(f"Reveal.slide({place})")
                assert serious(page) == [], (deck.name, place)


@pytest.mark.parametrize("kind", ["solution", "check"])
def test_no_solution_is_on_a_slide(site, kind):
    for deck in decks(site):
        text = deck.read_text("utf-8")
        assert "BEGIN SOLUTION" not in text
