"""Decks: each opens from a file, walks from its first to its last slide, and fits 1280 × 720."""

import shutil

from reading import words_of

from course_tools.cli import main

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


def test_every_deck_walks_from_first_to_last_slide_and_is_for_everyone(site, opened, serious):
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
            # As it stands, with arrows and numbers, and then all slides.
            assert (deck.name, serious(page), serious.at_slides(page)) == (deck.name, [], [])


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


def test_a_fault_on_the_first_and_on_the_last_slide_is_found(site, opened, serious):
    with opened(decks(site)[0].as_uri(), height=720) as page:
        page.wait_for_selector("html[data-deck=ready]", timeout=30_000)
        pale = "<p style='color:#ddd;background:#fff'>pale words</p>"
        for place in (0, -1):
            page.evaluate(
                f"Reveal.getSlides().at({place}).insertAdjacentHTML('beforeend', `{pale}`)"
            )
        assert [fault.partition(":")[0] for fault in serious.at_slides(page)] == [
            "color-contrast"
        ] * 2


def test_no_line_of_a_solution_and_no_note_for_lecturers_is_in_a_deck_or_a_page(site, untold):
    assert decks(site) and all(untold[deck.stem] for deck in decks(site))
    for deck in decks(site):
        for page in (deck, site / "chapters" / deck.name):
            text = words_of(page)
            assert [line for line in untold[deck.stem] if line in text] == [], page


def test_lecturers_decks_hold_the_notes_and_say_so_and_a_zip_of_them_is_whole(
    run_folder, tmp_path, untold, capsys, opened
):
    source, run = run_folder
    stem = next(iter(untold))
    target = tmp_path / "decks"
    arguments = ["slides", stem[:2], "--run", str(run), "--notebooks", str(source)]
    assert main([*arguments, "--out", str(target), "--zip"]) == 0
    said = capsys.readouterr().out
    assert f"each needs {target / 'deck'} beside it, and holds the notes for lecturers" in said
    text = words_of(target / f"{stem}.html")
    assert any(line in text for line in untold[stem])
    shutil.unpack_archive(tmp_path / "decks.zip", tmp_path / "other")
    assert (tmp_path / "other" / "NOTICE").is_file()
    # A file that is not there fails here.
    with opened((tmp_path / "other" / f"{stem}.html").as_uri(), height=720) as page:
        page.wait_for_selector("html[data-deck=ready]", timeout=30_000)
        font = "getComputedStyle(document.querySelector('.reveal')).fontFamily"
        assert "Source Sans Pro" in page.evaluate(font)
