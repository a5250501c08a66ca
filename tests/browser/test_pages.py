"""What people see and do: pages, search, charts, views, zoom, keys, phones, dark and print."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from mf_etl.plots.palette import ANCHORS, ON_DARK, lightness

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = ("index.html", "tickers/index.html", "runs/index.html", "build.html",
         "runs/hmm/regimes_hmm_market.html", "runs/clustering/regimes_kmeans_market.html",
         "runs/clustering/few_cluster_sweep.html",
         "runs/clustering/few_cluster_stability_market.html", "validation/by_hand.html")  # fmt: skip
TICKER = "tickers/index.html#NASDAQ/AAPL.US"
DRAWN = "#chart[data-drawn=yes]"
SUPPLY, DEMAND = (
    tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in (ANCHORS[0], ANCHORS[-1])
)


def picture(page, selector="#chart .plot") -> np.ndarray:
    """Pixels of a part of the page, shape (height, width, 3)."""
    shot = page.locator(selector).screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def pixels_of(image: np.ndarray, colour: tuple[int, ...]) -> int:
    """How many pixels have a colour, or nearly so."""
    return int((np.abs(image - np.array(colour)).max(axis=2) <= 6).sum())


def in_sight(page) -> float:
    """Days between the ends of the chart."""
    return page.evaluate("mf_etl.shown.days.end - mf_etl.shown.days.start") / 86_400_000


def drawn(page):
    """The page, when its chart is drawn."""
    page.wait_for_selector(DRAWN, timeout=60_000)
    return page


def test_every_page_of_the_report_opens(open_page, root, pages):
    there = {path.relative_to(pages).as_posix() for path in pages.rglob("*.html")}
    assert there >= set(PAGES)
    for name in sorted(there):
        page = open_page(f"{root}/{name}")
        assert page.title().endswith("mf_etl") and page.locator("h1").first.inner_text()
        assert page.locator("nav a").count() >= 4
        page.context.close()


def test_a_ticker_is_searched_and_its_chart_is_drawn(open_page, root):
    page = open_page(f"{root}/index.html")
    search = page.get_by_label("Find a ticker")
    search.fill("goog")
    search.press("Enter")
    drawn(page)
    assert page.locator("h1").first.inner_text().startswith("GOOG.US")
    image = picture(page)
    assert pixels_of(image, DEMAND) > 1_000 and pixels_of(image, SUPPLY) > 300
    assert "S2 persistent demand" in page.locator("#about").inner_text()


def test_a_name_that_is_no_ticker_is_told(open_page, root):
    page = open_page(f"{root}/runs/index.html")
    page.get_by_label("Find a ticker").fill("QQQQQ")
    page.keyboard.press("Enter")
    page.get_by_text("No such ticker in this build").wait_for()


def test_a_ticker_without_a_file_is_drawn_on_demand(open_page, served):
    page = drawn(open_page(f"{served}/tickers/index.html#NYSE/IBM.US"))
    assert page.locator("h1").first.inner_text().startswith("IBM.US")


def test_a_ticker_without_a_file_is_told_how_to_get_one(browser, pages):
    page = browser.new_page()  # the console tells of the file that is not there
    page.goto(f"{pages.as_uri()}/tickers/index.html#NYSE/IBM.US")
    page.get_by_text("mf-etl chart IBM.US").wait_for()
    page.close()


def test_an_empty_ticker_says_why(open_page, root):
    page = open_page(f"{root}/tickers/index.html#NASDAQ/ZEMPTY.US")
    page.get_by_text("No valid bar").wait_for()
    assert page.locator("#quality").is_visible() and not page.locator("#chart").is_visible()


def test_views_and_scales_are_switched(open_page, root):
    page = drawn(open_page(f"{root}/{TICKER}"))
    before = picture(page)
    page.get_by_role("button", name="hmm", exact=True).click()
    assert page.locator("#legend").inner_text().startswith("0 ·")
    assert "fitted on days up to" in page.locator("#by-state-note").inner_text()
    after = picture(page)
    assert (np.abs(after - before).max(axis=2) > 30).sum() > 500
    assert not page.locator("#hindsight").is_visible()
    page.get_by_role("button", name="hindsight", exact=True).click()
    assert "could not be earned" in page.locator("#hindsight").inner_text()
    page.get_by_role("button", name="linear", exact=True).click()
    page.wait_for_timeout(200)
    assert (np.abs(picture(page) - after).max(axis=2) > 30).sum() > 500


def test_zooming_shows_candles_and_the_prices_in_sight(open_page, root):
    page = drawn(open_page(f"{root}/{TICKER}"))
    whole = in_sight(page)
    page.get_by_role("button", name="1 y", exact=True).click()
    page.wait_for_timeout(300)
    assert in_sight(page) == pytest.approx(365, abs=1)
    low, high = (
        10 ** page.evaluate(f"mf_etl.shown.model('price').y_range.{end}")
        for end in ("start", "end")
    )
    assert 40 < low < 60 and 88 < high < 110, "the prices of the last year"
    box = page.locator("#chart .plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.wait_for_function("mf_etl.shown.days.end - mf_etl.shown.days.start < 360 * 86400000")
    assert "close" in page.locator(".readout").inner_text()
    page.get_by_role("button", name="all", exact=True).click()
    page.wait_for_timeout(300)
    assert in_sight(page) == pytest.approx(whole)


def test_the_chart_by_keyboard_alone(open_page, root):
    page = drawn(open_page(f"{root}/{TICKER}"))
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "frame":
            break
    assert page.evaluate("document.activeElement.getAttribute('role')") == "application"
    page.keyboard.press("ArrowLeft")
    spoken = page.locator("#chart .aloud")
    assert re.search(r"2013-02-28.*close .*TMF .*flow", spoken.inner_text())
    page.keyboard.press("Shift+ArrowLeft")
    assert "2013-02-28" not in spoken.inner_text()
    before = in_sight(page)
    page.keyboard.press("+")
    page.wait_for_timeout(200)
    assert in_sight(page) == pytest.approx(before / 2, rel=0.01)
    page.keyboard.press("Home")
    assert "2000-03-01" in spoken.inner_text()
    page.keyboard.press("0")
    page.wait_for_timeout(200)
    assert in_sight(page) == pytest.approx(before, rel=0.01)


def test_the_table_behind_the_chart_has_its_numbers(open_page, root):
    page = drawn(open_page(f"{root}/{TICKER}"))
    page.get_by_text("The numbers behind the picture").click()
    rows = page.locator("details.numbers tbody tr")
    assert rows.count() == 14 and rows.first.locator("th").inner_text() == "2000"
    page.get_by_role("button", name="1 y", exact=True).click()
    page.wait_for_function("document.querySelectorAll('details.numbers tbody tr').length >= 12")
    assert rows.last.locator("th").inner_text() == "2013-03"


@pytest.mark.parametrize("name", ["index.html", TICKER])
def test_dark_pages_have_colours_of_their_own(open_page, root, name):
    page = drawn(open_page(f"{root}/{name}", color_scheme="dark"))
    image = picture(page)
    assert image.mean() < 110 and pixels_of(image, DEMAND) < 100
    dark = tuple(int(ON_DARK[-1][i : i + 2], 16) for i in (1, 3, 5))
    assert pixels_of(image, dark) > 1_000


@pytest.mark.parametrize("name", [*PAGES, TICKER])
def test_a_phone_scrolls_down_and_not_sideways(open_page, pages, name):
    page = open_page(f"{pages.as_uri()}/{name}", viewport={"width": 390, "height": 844}, is_mobile=True,
                     has_touch=True)  # fmt: skip
    page.wait_for_load_state("load")
    if name in ("index.html", TICKER):
        drawn(page)
        assert pixels_of(picture(page), DEMAND) > 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_print_is_on_white_and_in_order_of_lightness(open_page, pages):
    page = drawn(open_page(f"{pages.as_uri()}/{TICKER}", color_scheme="dark"))
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(300)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    colours = page.locator("#legend .swatch").evaluate_all(
        "found => found.map(s => getComputedStyle(s).backgroundColor)"
    )
    shades = [
        lightness("#" + "".join(f"{int(v):02x}" for v in re.findall(r"\d+", c)[:3]))
        for c in colours
    ]
    assert shades[:5] == sorted(shades[:5], reverse=True)


def test_tables_are_sorted_by_keyboard(open_page, root):
    page = open_page(f"{root}/index.html")
    button = page.get_by_role("button", name="rejected", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    first = page.locator("table.sortable tbody tr").first
    assert first.locator("td").nth(2).inner_text() == "10"
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("rejected")
    page.keyboard.press("Enter")
    assert first.locator("td").nth(2).inner_text() == "0"


def test_runs_are_beside_each_other_and_lead_to_their_pages(open_page, root):
    page = open_page(f"{root}/runs/index.html")
    page.get_by_role("link", name="regimes_hmm_market").click()
    page.wait_for_load_state("load")
    assert page.locator("h1").inner_text().startswith("regimes_hmm_market")
    assert page.get_by_text("What to know first").is_visible()
    page.get_by_text(re.compile(r"Show \d+ figures")).click()
    page.locator("figure img").first.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].some(i => i.complete && i.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*PAGES, TICKER])
def test_nothing_serious_is_in_the_way_of_anybody(open_page, pages, name, scheme):
    page = open_page(f"{pages.as_uri()}/{name}", color_scheme=scheme)
    if name in ("index.html", TICKER):
        drawn(page)
    # It would read the style anew, which a browser forbids a page from a file.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    serious = [
        (each["id"], node["html"][:200], node["failureSummary"])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert serious == []


def test_weights(pages):
    for path in pages.rglob("*.html"):
        assert path.stat().st_size < 300_000, path
    for path in pages.glob("tickers/*/*/*.js"):
        assert path.stat().st_size < 500_000, path
        assert "Bokeh" not in path.read_text(encoding="utf-8")
    for path in pages.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "bokeh.min.js" not in text or "assets/bokeh.min.js" in text
