"""The page in a browser: it opens, filters, steps, compares, links, and runs nobody else's script."""

import shutil

import pytest
from report_runs import HOSTILE, hostile_run, page_of, play_small_runs

from tool_gym.evaluation.results import open_runs, result_of
from tool_gym.evaluation.tables import tables
from tool_gym.report.page import Page
from tool_gym.report.questions import Questions

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs the browser chromium")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory, pack_folder, executor):
    return play_small_runs(tmp_path_factory.mktemp("runs"), pack_folder, executor)


@pytest.fixture(scope="module")
def file(runs, pack_folder, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page_of(runs, (str(pack_folder),)), encoding="utf-8")
    return file


@pytest.fixture
def visit(browser):
    """Opens a page at an address; afterwards, it must not have complained or asked for anything but itself."""
    problems, pages = [], []

    def visit(file, address="", **options):
        page = browser.new_page(viewport={"width": 1400, "height": 900}, **options)
        pages.append(page)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        page.on("request", lambda asked: asked.url.split("#")[0] == file.as_uri() or problems.append(asked.url))
        page.goto(f"{file.as_uri()}#{address}")
        page.wait_for_selector("html[data-ready]")
        return page

    yield visit
    for page in pages:
        page.close()
    assert problems == []


def count(page):
    return page.inner_text(".count")


def test_the_overview_shows_every_run_with_its_figures(visit, file):
    page = visit(file)
    rows = page.locator("section").first.locator("tbody tr")
    assert rows.count() == 2
    assert rows.first.inner_text().split()[:2] == ["oracle", "1.000"]
    titles = page.locator("section h2").all_inner_texts()
    assert titles == [
        "Leaderboard",
        "By structure",
        "How episodes end",
        "Several attempts at a scenario",
        "Against oracle",
        "What became of the calls",
        "How the runs were made",
    ]
    assert page.locator("svg[role=img]").count() == page.locator("svg[role=img][aria-label]").count() >= 5


def test_a_segment_of_a_chart_leads_to_its_episodes(visit, file):
    page = visit(file)
    page.locator("section:has(h2:text('How episodes end')) svg a").first.click()
    assert count(page) == "12 of 24 episodes"
    assert page.locator(".row").count() == 12


def test_filters_narrow_the_list_and_each_other_and_are_cleared(visit, file):
    page = visit(file, "view=episodes")
    assert count(page) == "24 of 24 episodes"
    page.get_by_label("Run").select_option("random")
    page.get_by_label("Structure").select_option("multi_hop")
    assert count(page) == "3 of 24 episodes"
    options = page.get_by_label("Outcome").locator("option").all_inner_texts()
    assert not any(option.startswith("success") for option in options)
    assert sum(int(option.rsplit("(", 1)[1][:-1]) for option in options[1:]) == 3
    page.get_by_label("Search scenarios").fill("北门")
    assert count(page) == "0 of 24 episodes"
    page.get_by_text("clear filters").click()
    assert count(page) == "24 of 24 episodes"
    page.get_by_label("Search scenarios").fill("北门 PEOPLE")
    assert count(page) == "12 of 24 episodes"  # of single-1 and joined-1


def test_filters_by_tool_and_by_call_find_what_the_results_say(visit, file, runs):
    results = [result for run in open_runs(runs) for _, result in run.episodes()]
    page = visit(file, "view=episodes")
    page.get_by_label("Tool called").select_option("river_of")
    assert count(page).startswith(f"{sum('river_of' in each.tools for each in results)} of")
    page.get_by_label("Tool called").select_option("")
    page.get_by_label("Has a call that is").select_option("wrong_tool")
    assert count(page).startswith(f"{sum('wrong_tool' in each.diagnosis.counts for each in results)} of")


def test_the_keyboard_goes_through_episodes_and_turns_and_checks_stand_as_of_the_turn(visit, file):
    page = visit(file, "view=episodes&run=oracle&structure=multi_hop")
    page.keyboard.press("j")
    page.wait_for_selector(".turn")
    assert page.inner_text("main h2") == "multi-1"
    assert page.locator(".user").inner_text() == "How many people live in Korva 🙂, and how many if 100 come?"
    assert page.locator(".turn").count() == 3
    solved = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        solved.append(page.locator(".checks .solved").all_inner_texts())
    assert solved == [["● a"], ["● a", "● b"], ["● a", "● b", "● answer"], ["● a", "● b"]]
    assert page.locator(".turn[aria-current] h4").inner_text() == "Turn 2"
    assert page.locator(".turn[aria-current] .chip").inner_text() == "solved b"
    page.keyboard.press("j")
    page.wait_for_selector("text=attempt 2")
    assert page.locator(".turn[aria-current]").count() == 0


def test_gold_is_hidden_until_it_is_asked_for(visit, file):
    page = visit(file, "view=episodes&episode=random~single-1~0")
    page.wait_for_selector(".turn")
    assert page.locator(".gold").count() == 0
    page.keyboard.press("g")
    page.wait_for_selector(".gold")
    assert 'population {"town": "北门"}' in page.inner_text(".gold")
    assert "880" in page.inner_text(".gold")


def test_a_link_leads_back_to_the_same_episode_turn_and_comparison(visit, file):
    page = visit(file, "view=episodes&run=oracle")
    page.keyboard.press("j")
    page.wait_for_selector(".turn")
    page.keyboard.press("ArrowRight")
    page.locator("#compare").select_option("random")
    page.wait_for_selector(".two")
    address = page.evaluate("location.hash.slice(1)")
    again = visit(file, address)
    again.wait_for_selector(".two")
    assert again.locator(".column h3").all_inner_texts() == ["oracle", "random"]
    assert again.inner_text("main") == page.inner_text("main")
    assert again.locator(".row[aria-selected=true]").count() == 1


def test_an_address_of_an_episode_that_is_not_there_says_so(visit, file):
    page = visit(file, "view=episodes&episode=nobody~x~0&run=nobody&sort=odd&turn=-5")
    assert "no such episode" in page.inner_text("main")
    assert count(page) == "0 of 24 episodes"


def test_the_page_follows_the_colour_scheme_and_can_be_told_another(visit, file):
    def paper(page):
        return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    light, dark = visit(file, color_scheme="light"), visit(file, color_scheme="dark")
    assert paper(light) != paper(dark)
    dark.get_by_text("auto colours").click()
    assert paper(dark) == paper(light)


def test_hostile_text_is_shown_as_text_and_nothing_of_it_runs(visit, runs, tmp_path):
    file = tmp_path / "hostile.html"
    file.write_text(page_of([hostile_run(runs[1], tmp_path), runs[0]], title=HOSTILE), encoding="utf-8")
    page = visit(file)
    page.keyboard.press("e")
    page.keyboard.press("j")
    page.wait_for_selector(".turn")
    page.keyboard.press("g")
    page.wait_for_selector(".gold")
    page.locator(".reasoning summary").first.click()
    shown = page.inner_text("main")
    assert shown.count("<script>window.taken=1</script>") > 8
    assert page.title().startswith("</script><script>")
    assert page.evaluate("[typeof window.taken, document.images.length]") == ["undefined", 0]
    assert page.evaluate("document.querySelectorAll('script').length") == 3


def test_rows_exist_only_while_they_are_in_sight(visit, runs, tmp_path):
    [run] = open_runs([runs[0]])
    trajectory, _ = next(run.episodes())
    page_made = Page([run], Questions(), "Many")
    results = []
    for number in range(3000):
        each = trajectory.model_copy(update={"scenario": f"scenario-{number:04}"})
        results.append(result_of(each, 0, {}))
        page_made.add(run, each, results[-1])
    file = tmp_path / "many.html"
    file.write_text(page_made.html(tables({run.name: results})), encoding="utf-8")
    page = visit(file, "view=episodes&q=scenario-2")
    assert count(page) == "1,000 of 3,000 episodes"
    assert 5 < page.locator(".row").count() < 40
    page.evaluate("document.querySelector('.rows').scrollTop = 1e9")
    page.wait_for_selector("text=scenario-2999")
    assert page.locator(".row").count() < 40
    page.get_by_text("scenario-2999").click()
    page.wait_for_selector(".turn")
    assert page.inner_text("main h2") == "scenario-2999"
