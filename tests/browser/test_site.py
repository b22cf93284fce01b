"""The site as a reader meets it: complete, quiet, findable, readable on a phone, for everyone."""

import re
from urllib.parse import unquote

import pytest

from course_utils import card, claims, lessons

KINDS = (
    *("index.html", "claims.html", "glossary.html", "downloads.html", "search.html"),
    *("genindex.html", "api/index.html", "api/convolution.html"),
)
# A4 at 96 dots an inch, less the margins that browsers leave.
PAPER = 718
# What a claim's card draws: this run among the kept seeds.
STRIP = "svg[role=img]:has(circle)"


def pages(site):
    """All but the decks, which are no pages to scroll."""
    found = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(name for name in found if not name.startswith("slides/"))


def chapters(site):
    return [name for name in pages(site) if name.startswith("chapters/")]


# Two frames: the first may still be drawn as before.
FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
LINKS = """() => ({
  ids: [...document.querySelectorAll("[id], a[name]")].flatMap((one) => [one.id, one.name]),
  links: [...document.querySelectorAll("a[href]")].map((one) => one.href),
})"""
FOREIGN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (/[가-힣]/.test(data)) found.push([data, parentElement.closest("[lang]").lang]);
  }
  return found;
}"""
UNLOADED = """() => [...document.querySelectorAll("article img")]
  .filter((one) => !one.complete || !one.naturalWidth).map((one) => one.alt)"""
# Rows of each explorer's feature map at stride 1 and 2.
STRIDES = """() => [...document.querySelectorAll(".course-explorer")]
  .filter((one) => one.convolution).map((one) => [1, 2].map((stride) => {
    const field = one.shadowRoot.querySelector("[name=stride]");
    field.value = stride;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return one.convolution().output.length;
  }))"""
CUT = """() => [...document.querySelectorAll("article *")].filter((one) => {
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  if (!box.width || one.closest("svg, mjx-container, .course-explorer")) return false;
  const hidden = style.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1;
  return hidden || box.right > innerWidth + 1;
}).map((one) => `${one.outerHTML.slice(0, 90)} ${one.scrollWidth} in ${one.clientWidth}`)"""
# How light the darkest ground and the lightest text are: 0 black, 255 white.
LIGHT = """() => {
  const light = (color) => {
    const [red, green, blue] = color.match(/[\\d.]+/g).map(Number);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  };
  const of = (names, property) => [...document.querySelectorAll(names)]
    .map((one) => getComputedStyle(one)[property])
    .filter((color) => !/, 0\\)$/.test(color)).map(light);
  const grounds = "body, .bd-main, .highlight, .highlight pre, .course-card";
  const texts = "article p, article h2, article li, article td, pre, pre span";
  return [Math.min(...of(grounds, "backgroundColor")), Math.max(...of(texts, "color"))];
}"""


def on_paper(page, scheme):
    """What is cut off on paper, and how light it is."""
    page.set_viewport_size({"width": PAPER, "height": 1000})
    page.emulate_media(media="print", color_scheme=scheme)
    page.evaluate(FRAME)
    found = page.evaluate(CUT), *page.evaluate(LIGHT)
    page.emulate_media(media="screen", color_scheme=scheme)
    page.wait_for_selector(f"html[data-theme={scheme}]")
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


@pytest.fixture(scope="module")
def seen(site, address, opened, serious):
    """Every page, opened once, with all that the tests below look at; each fault by its name."""
    found = {}
    for name in pages(site):
        # A page that complains, or asks another host, fails here.
        with opened(address + name) as page:
            if page.locator(".math").count():
                page.wait_for_selector("mjx-container svg")
            page.evaluate(FRAME)
            this = found[name] = {
                "title": page.title(),
                **page.evaluate(LINKS),
                "language": page.evaluate(FOREIGN),
                "unloaded": page.evaluate(UNLOADED),
                "strips": page.locator(f"article {STRIP}").count(),
                "formulas": page.locator("mjx-merror").count(),
                "axe": {"light": serious(page)},
                "paper": {},
            }
            page.set_viewport_size({"width": 390, "height": 844})
            page.evaluate(FRAME)
            this["over"] = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            page.set_viewport_size({"width": 1280, "height": 900})
            if name in KINDS or name.startswith("chapters/"):
                this["paper"]["light"] = on_paper(page, "light")
                page.emulate_media(color_scheme="dark")
                page.wait_for_selector("html[data-theme=dark]")
                page.evaluate(FRAME)
                this["axe"]["dark"] = serious(page)
                this["paper"]["dark"] = on_paper(page, "dark")
            this["strides"] = page.evaluate(STRIDES)
    return found


def test_every_page_loads_without_a_complaint_and_without_the_network(seen):
    assert {*KINDS, "py-modindex.html"} <= set(seen)
    assert all(this["title"] for this in seen.values())


def test_every_link_of_the_site_leads_somewhere(site, address, seen):
    wrong, followed = [], 0
    for name, this in seen.items():
        # The two indexes name headings that not every page has.
        for link in this["links"] if name not in ("genindex.html", "py-modindex.html") else ():
            if not link.startswith(address):
                continue
            followed += 1
            path, _, fragment = unquote(link.removeprefix(address)).partition("#")
            target = path.partition("?")[0] or "index.html"
            ids = seen[target]["ids"] if target in seen else [fragment]
            if not (site / target).is_file() or (fragment and fragment not in ids):
                wrong.append(f"{name}: {link}")
    assert wrong == [] and followed > 100


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


def test_every_chapter_shows_its_figures_claims_and_formulas(site, seen):
    for name in chapters(site):
        this = seen[name]
        assert (this["unloaded"], this["formulas"]) == ([], 0) and this["strips"] > 0, name


def test_the_claims_page_has_numbers_ranges_and_seeds(address, opened):
    with opened(f"{address}claims.html") as page:
        rows = page.locator("table tbody tr")
        assert rows.count() >= 2
        texts = rows.all_inner_texts()
        # A claim without kept seeds for this data is shown and not judged.
        assert all(re.search("[✔◐△○]", row) for row in texts) and any("✔" in row for row in texts)


SEEDS = [0.40, 0.45, 0.55, 0.6, 0.62] * 4
CARDS = {
    "held": (SEEDS, 0.55),
    "not here": (SEEDS, 0.42),
    "unexpected": ([0.6, 0.61, 0.62, 0.63, 0.64], 0.95),
    "red": (SEEDS, 0.95),
    "not judged": ([], 0.5),
}


def card_of(state):
    """A card in one state, as HTML: of a claim above 0.5."""
    seeds, observed = CARDS[state]
    low, high = claims.expected_range(seeds) if seeds else (None, None)
    record = {
        "statement": "The convnet beats guessing.",
        "unit": "%",
        "observed": observed,
        "low": low,
        "high": high,
        "judged": bool(seeds),
        "held": low <= observed <= high if seeds else None,
        "threshold": [0.5, None],
        "true_here": observed > 0.5,
        "seeds": len(seeds),
        "share": claims.verdict(seeds, (0.5, None)).share if seeds else None,
    }
    assert card.status(record) == state
    kept = lessons.Kept(dict(enumerate(seeds)), mutant={0: 0.1}) if seeds else None
    return card.bundle(record, why="" if seeds else "no seeds are kept", kept=kept)["text/html"]


# The ink of each part of a strip that is drawn in the page's own, that ink, and how far text and
# marks stand out from the ground: 1 not at all, 21 black on white.
INK = """(strip) => {
  const style = (one) => getComputedStyle(one);
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((p) => p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let ground = strip;
  while (/, 0\\)$|transparent/.test(style(ground).backgroundColor)) ground = ground.parentElement;
  const contrast = (color) => {
    const pair = [light(color), light(style(ground).backgroundColor)].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  };
  const inked = [...strip.querySelectorAll("circle, text, rect")].map((one) => style(one).fill);
  const lines = [...strip.querySelectorAll("line")].map((one) => style(one).stroke);
  const own = [...strip.querySelectorAll("path")]
    .map((one) => style(one).fill === "none" ? style(one).stroke : style(one).fill);
  return {
    ink: style(strip.closest("article")).color, drawn: [...new Set([...inked, ...lines])],
    text: contrast(style(strip).color), marks: own.map(contrast),
    size: strip.getBoundingClientRect().width,
  };
}"""


def test_the_card_of_a_claim_is_readable_in_the_page_s_own_ink(site, address, opened, serious):
    # A site has no red chapter: the cards stand where the chapter shows its own, as they would.
    with opened(address + chapters(site)[0]) as page:
        own = page.locator(f"article {STRIP}").first
        own.wait_for()
        own.evaluate(
            """(strip, cards) => {
              const output = strip.closest(".output");
              for (const [state, html] of Object.entries(cards)) {
                const copy = output.cloneNode(false);
                copy.dataset.card = state;
                copy.innerHTML = html;
                output.after(copy);
              }
            }""",
            {state: card_of(state) for state in CARDS},
        )
        drawn = [own, *(page.locator(f"[data-card='{s}'] {STRIP}") for s in CARDS)][:-1]
        assert page.locator("[data-card='not judged'] svg").count() == 0
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_selector(f"html[data-theme={scheme}]")
            page.evaluate(FRAME)
            for strip in drawn:
                found = strip.evaluate(INK)
                assert found["drawn"] == [found["ink"]], found
                assert found["text"] >= 4.5 and min(found["marks"]) >= 3, found
                assert found["size"] > 300 and strip.get_attribute("aria-label")
            assert serious(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        page.evaluate(FRAME)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_dark_and_light_can_be_chosen(address, opened):
    with opened(address, color_scheme="dark") as page:
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.locator(".theme-switch-button").first.click()
        page.locator(".theme-change-button[data-mode=light]").first.click()
        page.wait_for_selector("html[data-theme=light]")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark != light
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_nothing_scrolls_sideways_on_a_phone(seen):
    assert {name: this["over"] for name, this in seen.items() if this["over"] > 0} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(site, seen, scheme):
    found = {name: this["axe"][scheme] for name, this in seen.items() if scheme in this["axe"]}
    assert {*KINDS, *chapters(site)} <= set(found)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_on_paper_is_whole_and_light(site, seen, scheme):
    for name in (*KINDS, *chapters(site)):
        cut, ground, text = seen[name]["paper"][scheme]
        assert (name, cut) == (name, []) and ground > 225 and text < 150, (name, ground, text)


def test_korean_is_said_to_be_korean(site, seen):
    assert any("커널" in text for text, _ in seen["glossary.html"]["language"])
    for name in ("glossary.html", *chapters(site)):
        assert [text for text, lang in seen[name]["language"] if lang != "ko"] == [], name


def test_the_explorers_on_the_chapters_pages_compute(site, seen):
    found = [rows for name in chapters(site) for rows in seen[name]["strides"]]
    assert found and all(two == (one + 1) // 2 > 0 for one, two in found)


# The element with the focus, also inside an explorer, which is a tree of its own.
HERE = """(() => {
  let here = document.activeElement;
  while (here?.shadowRoot?.activeElement) here = here.shadowRoot.activeElement;
  return here;
})()"""
# How it looks.
LOOKS = f"""() => {{
  const focused = {HERE}, clear = /rgba\\([^)]*, 0\\)|transparent/;
  // The theme's arrows are all that is seen of their <summary>.
  const here = focused.querySelector(".toctree-toggle") ?? focused;
  const box = here.getBoundingClientRect(), style = getComputedStyle(here);
  const seen = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
    && box.right > 0 && box.left < innerWidth;
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1
    && !clear.test(style.outlineColor);
  const shadowed = style.boxShadow !== "none" && !clear.test(style.boxShadow);
  return {{ seen, outlined: outlined || shadowed }};
}}"""
# The same, and whether it comes after the last one; null where a page ends.
STOP = f"""() => {{
  const here = {HERE}, last = window.courseLast;
  if (!here || here === document.body) return null;
  window.courseLast = here;
  const follows = (one, other) => {{
    if (one.getRootNode() === other.getRootNode())
      return Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
    const [before, after] = [one, other].map((each) => each.getRootNode().host ?? each);
    return before === after || follows(before, after);
  }};
  return {{
    ...({LOOKS})(),
    what: here.outerHTML.slice(0, 120), text: here.textContent.trim(),
    after: !last || follows(last, here),
    first: here.dataset.courseSeen === undefined && (here.dataset.courseSeen = ""),
  }};
}}"""


@pytest.mark.parametrize("name", ["claims.html", "chapter"])
def test_the_keyboard_goes_through_a_page_in_order_and_every_stop_is_seen(
    site, address, opened, name
):
    name = chapters(site)[-1] if name == "chapter" else name
    with opened(address + name) as page:
        page.evaluate(FRAME)
        stops = []
        while len(stops) < 500:
            page.keyboard.press("Tab")
            stop = page.evaluate(STOP)
            if stop and not (stop["seen"] and stop["outlined"]):
                # What slides in, or fades in, has a moment to do so.
                page.wait_for_timeout(400)
                stop |= page.evaluate(LOOKS)
            if stop is None or stop["first"] is False:
                break
            stops.append(stop)
        assert "Skip to main content" in stops[0]["text"]
        for fault in ("seen", "outlined", "after"):
            assert [stop["what"] for stop in stops if not stop[fault]] == [], fault
        # None was passed over: whatever can be reached and is shown was reached.
        wanted = page.evaluate("""() => [...document.querySelectorAll(
            "a[href], button, input, select, textarea, summary, [tabindex='0']")]
            .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.disabled
              && one.tabIndex >= 0 && one.dataset.courseSeen === undefined)
            .map((one) => one.outerHTML.slice(0, 120))""")
        assert wanted == [] and len(stops) > 10


def test_a_search_quotes_on_a_server_and_names_pages_from_a_file(site, address, opened):
    with opened(f"{address}search.html?q=kernel") as page:
        page.wait_for_selector("ul.search li p.context")
        assert page.get_by_text("Opened as a file").count() == 0
    with opened(f"{(site / 'search.html').as_uri()}?q=kernel") as page:
        page.wait_for_selector("ul.search li a")
        page.locator(".search-summary", has_text=re.compile("[0-9]")).wait_for()
        assert page.get_by_text("Opened as a file, the search names pages").is_visible()
        assert page.locator("ul.search li p.context").count() == 0


@pytest.mark.parametrize("kind", ["server", "file"])
@pytest.mark.parametrize("name", ["index.html", "slides"])
def test_a_browser_asks_nobody_else_even_if_a_script_tries(browser, site, address, kind, name):
    name = next((site / "slides").glob("*.html")).relative_to(site) if name == "slides" else name
    page = browser.new_context().new_page()
    page.goto(f"{address}{name}" if kind == "server" else (site / name).as_uri())
    stopped = page.evaluate("""() => new Promise((done) => {
      addEventListener("securitypolicyviolation", (event) => done(event.blockedURI));
      new Image().src = "ht" + "tps://" + "example.invalid/x.png";
      setTimeout(() => done("asked"), 2000);
    })""")
    page.context.close()
    assert "example.invalid" in stopped


def test_the_folder_is_a_site_of_github_pages_as_it_is(site):
    # Without it, GitHub's builder leaves out folders whose name begins with "_".
    assert (site / ".nojekyll").is_file() and (site / "_static").is_dir()


def test_the_licenses_of_others_are_named_with_their_versions(site):
    text = (site / "NOTICE").read_text("utf-8")
    for part in ("MathJax 3", "reveal.js 5", "Sphinx 9", "Bootstrap v5", "Source Sans Pro"):
        assert f"- {part}" in text
    assert "Apache License" in text and (site / "slides" / "NOTICE").is_file()
