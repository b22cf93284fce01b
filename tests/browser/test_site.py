"""The site as a reader meets it: complete, quiet, findable, readable on a phone, for everyone."""

import re

import pytest

KINDS = ("index.html", "claims.html", "glossary.html", "downloads.html", "api/index.html")


def pages(site):
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def chapters(site):
    return [name for name in pages(site) if name.startswith("chapters/")]


def of_each_kind(site):
    return [*KINDS, *chapters(site), "api/convolution.html"]


def test_every_page_loads_without_a_complaint_and_without_the_network(site, address, opened):
    for name in pages(site):
        if not name.startswith("slides/"):
            with opened(address + name) as page:
                assert page.title()


def test_the_site_opens_from_a_file_too(site, opened):
    with opened((site / "index.html").as_uri()) as page:
        page.locator(".course-card a").first.click()
        page.wait_for_load_state()
        # The theme has a second one, for print.
        assert page.locator("article h1").count() == 1


def test_the_landing_page_shows_every_chapter_with_a_picture_that_loads(site, address, opened):
    with opened(address) as page:
        assert page.locator(".course-card").count() == len(chapters(site))
        widths = page.eval_on_selector_all(
            ".course-card img", "all => all.map(i => i.naturalWidth)"
        )
        assert widths and all(widths)
        assert all(page.eval_on_selector_all("img", "all => all.map(i => i.alt.length > 10)"))


def test_every_chapter_shows_its_figures_claims_and_formulas(site, address, opened):
    for name in chapters(site):
        with opened(address + name) as page:
            images = "all => all.filter(i => !i.complete || !i.naturalWidth).map(i => i.alt)"
            assert page.eval_on_selector_all("article img", images) == []
            assert page.get_by_text("held:").count() > 0
            if page.locator(".math").count():
                page.wait_for_selector("mjx-container svg")
                assert page.locator("mjx-merror").count() == 0
            assert "BEGIN SOLUTION" not in page.content()


def test_search_finds_a_term(address, opened):
    with opened(f"{address}search.html?q=kernel") as page:
        page.wait_for_selector("ul.search li a")
        assert page.locator("ul.search li").count() >= 1


def test_the_claims_page_has_numbers_bands_and_seeds(address, opened):
    with opened(f"{address}claims.html") as page:
        rows = page.locator("table tbody tr")
        assert rows.count() >= 2
        texts = rows.all_inner_texts()
        # A claim without a band for this data is shown and not judged.
        assert all(re.search("[✔○]", row) for row in texts) and any("✔" in row for row in texts)


def test_dark_and_light_can_be_chosen(address, opened):
    with opened(address, color_scheme="dark") as page:
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.locator(".theme-switch-button").first.click()
        page.locator(".theme-change-button[data-mode=light]").first.click()
        page.wait_for_function("document.documentElement.dataset.theme === 'light'")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark != light
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_nothing_scrolls_sideways_on_a_phone(site, address, opened):
    for name in of_each_kind(site):
        with opened(address + name, width=390, height=844) as page:
            page.wait_for_timeout(300)
            widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert widths[0] <= widths[1], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(site, address, opened, serious, scheme):
    found = {}
    for name in of_each_kind(site):
        with opened(address + name, color_scheme=scheme) as page:
            page.wait_for_timeout(300)
            found[name] = serious(page)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_keyboard_reaches_the_text_first_and_every_stop_is_seen(address, opened):
    with opened(f"{address}claims.html") as page:
        page.keyboard.press("Tab")
        assert "Skip to main content" in page.evaluate("document.activeElement.textContent")


def test_what_is_offered_for_download_is_there(site, address, opened):
    with opened(f"{address}downloads.html") as page:
        links = page.eval_on_selector_all(
            "article a", "all => all.map(a => a.getAttribute('href'))"
        )
        files = [link for link in links if link.startswith("downloads/")]
        assert any(link.endswith(".zip") for link in files)
        assert all((site / link).is_file() for link in files)
