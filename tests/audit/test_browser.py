"""The audit's pages in a real browser, with the real service behind them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from eventstore.cosmos.containers import create_containers
from eventstore.environment import load
from functions.composition import build_services
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from service import SERVICE
from tests.audit.bank import Bank
from tests.audit.browser import MISSING, chromium, prefer
from tests.audit.serving import audit_app, served

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

EVIL = (
    '\'"><script>window.owned=1</script><img src=x onerror="window.owned=1">'
    "<svg onload=window.owned=1></svg>{{7*7}}&lt;"
)

CONTRAST = """
const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parse = text => text.match(/[0-9.]+/g).map(Number);
const ground = element => {
  for (let e = element; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const poor = [];
for (const e of document.querySelectorAll("body *:not(svg *)")) {
  const text = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!text || !e.getClientRects().length) continue;
  const pair = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((a, b) => b - a);
  const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
  if (ratio < 4.5) poor.push(e.outerHTML.slice(0, 80) + " " + ratio.toFixed(2));
}
return poor;
"""


@dataclass(frozen=True)
class Site:
    url: str
    paths: list[str]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A service with a lived-in account, and one whose every text is an attack."""
    with LocalCosmos() as cosmos:
        client = cosmos.client()
        create_containers(client, "tidemark", VIEWS.indexed)
        bank = Bank(client, "tidemark")
        bank.open("alice", 1_000)
        bank.open("bob")
        for amount in range(1, 25):
            bank.deposit("alice", amount * 10)
        bank.transfer("t1", 300)
        hostile(bank)
        Worker(client, "tidemark", views=VIEWS.values()).run_until_idle(20)
        app = audit_app(build_services(SERVICE, load(Settings, auth="none"), client, "tidemark"), client, "tidemark")
        paths = [
            "",
            "/streams/account-alice",
            "/streams/account-alice/state?version=20&compare=10",
            "/streams/account-evil",
            "/streams/account-evil/state",
            "/streams/account-evil/state?version=7&compare=1",
            "/streams/transfer-evil",
            f"/trace?correlation={quote(EVIL, safe='')}",
            f"/trace?correlation={quote(EVIL, safe='')}&from=account-evil",
            "/trace?correlation=story-t1",
            "/streams/account-nobody",
            f"/streams/account-alice/state?at={quote(EVIL[:40], safe='')}",
            "/health",
        ]
        with served(app) as url:
            yield Site(f"{url}/audit", paths)


def hostile(bank: Bank) -> None:
    told = {"actor": EVIL, "reason": EVIL, "correlation": EVIL, "causation": EVIL, "traceparent": EVIL}
    bank.open("evil", name=EVIL)
    at = bank.clock
    bank.act("evil", lambda account: account.deposit(900, reference=EVIL, at=at.now), **told)
    bank.act("evil", lambda account: account.withdraw(5, reference=EVIL, at=at.now), **told)
    bank.act("evil", lambda account: account.place_hold(5, reference=EVIL, at=at.now), **told)
    bank.act("evil", lambda account: account.freeze(reason=EVIL, at=at.now), **told)
    bank.act("evil", lambda account: account.unfreeze(reason=EVIL, at=at.now), **told)
    bank.act("evil", lambda account: account.withdraw(10**9, at=at.now), **told)
    bank.execute("account-evil", lambda account: account, key=EVIL.replace("/", "|"), **told)
    bank.deposit("evil", 3)
    bank.transfer("evil", 5, source="evil", reference=EVIL)


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    with chromium() as browser:
        yield browser


def test_no_text_of_an_event_is_ever_run_or_taken_for_markup(driver: Chrome, site: Site) -> None:
    seen = 0
    for path in site.paths:
        driver.get(site.url + path)
        assert driver.execute_script("return window.owned") is None, path
        scripts = driver.execute_script("return [...document.scripts].map(s => s.getAttribute('src'))")
        assert scripts == ["/audit/assets/audit.js"], path
        assert driver.find_elements(By.CSS_SELECTOR, "img, [onerror], [onload]") == [], path
        seen += driver.find_element(By.TAG_NAME, "main").text.count("<script>window.owned=1</script>")
    assert seen > 20, "the attacks were not even shown"


def test_code_that_got_into_a_page_would_still_not_run(driver: Chrome, site: Site) -> None:
    driver.get(site.url)
    driver.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.owned=1\">');"
        "const s = document.createElement('script'); s.textContent = 'window.owned=1'; document.body.append(s);"
    )
    wait(driver).until(
        lambda browser: any("Content Security Policy" in line["message"] for line in browser.get_log("browser"))
    )
    assert driver.execute_script("return window.owned") is None


def test_pages_load_without_a_complaint_of_the_browser(driver: Chrome, site: Site) -> None:
    driver.get_log("browser")
    for path in ("", "/streams/account-alice", "/streams/account-alice/state", "/trace", "/health"):
        driver.get(site.url + path)
        assert [line["message"] for line in driver.get_log("browser")] == []


def test_the_slider_says_where_it_is_and_goes_there(driver: Chrome, site: Site) -> None:
    driver.get(f"{site.url}/streams/account-alice/state?version=20")
    slider = driver.find_element(By.ID, "version")
    slider.send_keys(Keys.ARROW_LEFT * 3)
    assert driver.find_element(By.TAG_NAME, "output").text == "17"
    slider.send_keys(Keys.ENTER)
    wait(driver).until(lambda browser: heading(browser).startswith("State at version 17"))


def wait(driver: Chrome) -> WebDriverWait[Chrome]:
    """One page may go while the next is not there yet."""
    between = (NoSuchElementException, StaleElementReferenceException)
    return WebDriverWait(driver, 20, ignored_exceptions=between)


def heading(driver: Chrome) -> str:
    return driver.find_element(By.TAG_NAME, "h1").text


def test_the_curve_leads_to_the_state_at_a_version(driver: Chrome, site: Site) -> None:
    driver.get(f"{site.url}/streams/account-alice")
    steps = driver.find_elements(By.CSS_SELECTOR, ".curve a")
    label = steps[10].accessible_name
    driver.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", steps[10])
    wait(driver).until(lambda browser: "state" in browser.current_url)
    assert label.startswith(heading(driver).removeprefix("State at v").partition(" of")[0].replace("ersion", "Version"))


def test_everything_can_be_reached_by_keyboard_and_focus_can_be_seen(driver: Chrome, site: Site) -> None:
    driver.get(f"{site.url}/streams/account-alice")
    body = driver.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    first = driver.switch_to.active_element
    assert first.text == "Skip to content"
    reached = set()
    for _ in range(12):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        active = driver.switch_to.active_element
        reached.add(active.accessible_name)
        assert active.value_of_css_property("outline-style") != "none", active.accessible_name
    assert {"Account or stream", "Open", "Trace", "Health", "JSON", "JSONL download"} <= reached


def test_a_reader_without_javascript_misses_nothing(site: Site) -> None:
    with chromium(script=False) as plain:
        plain.get(f"{site.url}/streams/account-alice")
        assert len(plain.find_elements(By.CSS_SELECTOR, ".statement tbody tr")) == 27
        plain.find_element(By.TAG_NAME, "summary").click()
        assert "Previous hash" in plain.find_element(By.TAG_NAME, "details").text
        plain.find_element(By.LINK_TEXT, "Travel in time").click()
        slider = plain.find_element(By.ID, "version")
        slider.send_keys(Keys.HOME)
        slider.submit()
        wait(plain).until(lambda browser: heading(browser).startswith("State at version 1 "))
        plain.find_element(By.ID, "find").send_keys("bob", Keys.ENTER)
        wait(plain).until(lambda browser: heading(browser) == "account-bob")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_in_dark(driver: Chrome, site: Site, scheme: str, tmp_path: Path) -> None:
    prefer(driver, scheme)
    grounds = set()
    for number, path in enumerate(site.paths):
        driver.get(site.url + path)
        assert driver.execute_script(CONTRAST) == [], path
        assert driver.save_screenshot(str(tmp_path / f"{scheme}-{number}.png"))
        grounds.add(driver.find_element(By.TAG_NAME, "body").value_of_css_property("background-color"))
    assert len(list(tmp_path.glob("*.png"))) == len(site.paths)
    (ground,) = grounds
    brightness = sum(int(part) for part in ground.partition("(")[2].rstrip(")").split(",")[:3])
    assert (brightness > 600) == (scheme == "light")
    prefer(driver, "light")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_its_window(driver: Chrome, site: Site, width: int) -> None:
    window = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    for path in site.paths:
        driver.get(site.url + path)
        assert driver.execute_script("return document.documentElement.scrollWidth") == width, path
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_phone_shows_what_who_and_balance_of_an_event_without_scrolling_aside(driver: Chrome, site: Site) -> None:
    window = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    driver.get(f"{site.url}/streams/account-alice")
    for cell in driver.find_elements(By.CSS_SELECTOR, ".statement tbody tr:first-child > *"):
        right = cell.rect["x"] + cell.rect["width"]
        assert right <= 390, cell.text
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
