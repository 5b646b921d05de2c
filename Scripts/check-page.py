#!/usr/bin/env python3
"""Checks the page of a real server in headless Chromium.

Searches, versions, charts, keys, layout and security policy.

    Scripts/check-page.py [--shardctl .build/release/shardctl] [--screenshots FOLDER]

Exit status 1 if something is not as it should be. With --screenshots, PNGs of it are left in FOLDER.
"""
import argparse, json, pathlib, struct, sys, urllib.request
import served
from chromium import Browser, Failed

RESULTS = "document.querySelectorAll('#results tr').length"
VISIBLE_IDS = "[...document.querySelectorAll('#results .id')].map(cell => cell.textContent)"


def expect(condition, message):
    if not condition:
        raise Failed(message)


def sample_query():
    raw = (served.SAMPLE / "queries.i8bin").read_bytes()
    _, dimension = struct.unpack_from("<II", raw)
    return list(struct.unpack_from(f"<{dimension}b", raw, 8))


def ask(address, body):
    request = urllib.request.Request(f"{address}/v1/indexes/wordnet/search", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def publish(sample, page):
    served.shardctl("publish", "--store", sample.address, "--index", "wordnet", "--draft", sample.draft, "--quiet", "--no-tune",
                    program=sample.program)
    page.until("document.querySelector('#versions .badge')?.closest('tr').firstChild.textContent === '2'")
    page.until("document.querySelector('#state').textContent === 'serving version 2'")


def check_keyboard(page):
    """Runs first, because a click would move the place that Tab starts from."""
    page.press("Tab")
    expect(page.value("document.activeElement.className") == "skip", "the first stop of the keyboard is not the way to the search")
    page.press("Enter")
    page.until("document.activeElement.id === 'search'")


def check_search(page, address):
    query = sample_query()
    page.type("#vector", " ".join(map(str, query)))
    page.click("#go")
    page.until(f"{RESULTS} === 10")
    right = [result["id"] for result in ask(address, {"vector": query})["results"]]
    expect(page.value(VISIBLE_IDS) == right, "the page does not show the answer of the API")
    page.click("#results tr:nth-child(2) button")
    page.until(f"document.querySelector('#id').value === {json.dumps(right[1])} && !document.querySelector('#go').disabled")
    alike = [result["id"] for result in ask(address, {"id": right[1]})["results"]]
    page.until(f"JSON.stringify({VISIBLE_IDS}) === {json.dumps(json.dumps(alike, separators=(',', ':')))}")
    page.value("document.querySelector('[value=vector]').click()")
    page.type("#vector", "1, 2, three")
    page.press("Tab")
    page.click("#go")
    page.until("document.querySelector('#outcome.bad')?.textContent.startsWith('Number 3')")
    page.type("#vector", json.dumps(query))
    page.type("#k", "3")
    page.press("Enter")
    page.until(f"{RESULTS} === 3")


def check_parts(page, address):
    page.until("document.querySelectorAll('#chart polyline').length === 3")
    page.until("document.querySelector('#chart-text').textContent.startsWith('Now p50')")
    expect(page.value("document.querySelectorAll('#stages tr').length") == 10, "not all stages are shown")
    expect("100.0%" in page.value("document.querySelector('#tiers').innerText"), "the tiers' shares are not shown")
    with urllib.request.urlopen(f"{address}/v1/indexes/wordnet/shards", timeout=60) as answer:
        count = len(json.load(answer)["shards"])
    expect(page.value("document.querySelectorAll('#shards tr').length") == count, "not all shards are shown")
    expect(page.value("document.querySelectorAll('#versions .badge').length") == 1, "not one version is marked as the one that answers")


def check_policy(page, address):
    expect(not page.complaints, f"the browser complains: {page.complaints}")
    strangers = [url for url in page.requested if not url.startswith((address, "data:"))]
    expect(not strangers, f"the page asks others: {strangers}")
    ran = page.value("(() => { const it = document.createElement('script'); it.textContent = 'window.ran = true'; document.body.append(it);"
                     " return window.ran === true; })()")
    expect(not ran, "the security policy lets a foreign script run")
    expect(any("Content Security Policy" in text for text in page.complaints), "the browser did not report the foreign script")


def check_access(page):
    """Checks labels for screen readers, use by keyboard, and a narrow screen."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    nameless = [node["role"]["value"] for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in
                ("button", "link", "textbox", "combobox", "radio", "spinbutton", "image", "heading", "region", "table")
                and not node.get("name", {}).get("value") and node["role"]["value"] not in ("table",)]
    expect(not nameless, f"without a name: {nameless}")
    for width in (320, 390, 768, 1280):
        page.look(width, 800, False)
        wide = page.value("document.documentElement.scrollWidth")
        expect(wide <= width, f"the page is {wide} wide on a screen of {width}")


def check_keys(browser, sample):
    with served.Server("--store", sample.address, "--keys", sample.keys(), program=sample.program) as server:
        page = browser.open(server.address)
        page.until("document.querySelector('#state').textContent === 'a key is needed'")
        page.type("#key", "wrong-key-of-the-tests")
        page.press("Enter")
        page.until("document.querySelector('#notice').textContent.includes('does not know')")
        page.type("#key", served.READ_KEY)
        page.press("Enter")
        page.until("document.querySelectorAll('#versions tr').length > 0 && document.querySelector('#notice').hidden")
        page.type("#vector", json.dumps(sample_query()))
        page.click("#go")
        page.until(f"{RESULTS} === 10")
        kept = page.value("[Object.values(sessionStorage), localStorage.length, document.cookie, location.href]")
        expect(kept == [[served.READ_KEY], 0, "", server.address + "/"], f"the key is kept elsewhere too: {kept}")


def take_screenshots(browser, address, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, dark in (("light", 1280, False), ("dark", 1280, True), ("phone", 390, False)):
        page = browser.open(address, width, dark=dark)
        page.until("document.querySelectorAll('#facts dd').length > 0 && !document.querySelector('#go').disabled")
        page.type("#vector", json.dumps(sample_query()))
        for _ in range(3):
            page.click("#go")
            page.until(f"{RESULTS} === 10 && !document.querySelector('#go').disabled")
        points = page.value("document.querySelector('#chart polyline')?.points.length || 0")
        page.until(f"document.querySelector('#chart polyline')?.points.length > {points + 1}")
        page.value("document.querySelector('#receipt-box').open = true, scrollTo(0, 0)")
        page.screenshot(folder / f"{name}.png")


def check(arguments):
    sample = served.SampleStore(arguments.shardctl)
    try:
        with served.Server("--store", sample.address, "--poll-seconds", 0.2, program=arguments.shardctl) as server, Browser() as browser:
            page = browser.open(server.address)
            page.until("document.querySelector('#state').textContent === 'serving version 1'")
            check_keyboard(page)
            check_search(page, server.address)
            publish(sample, page)
            check_parts(page, server.address)
            check_access(page)
            check_policy(page, server.address)
            check_keys(browser, sample)
            if arguments.screenshots:
                take_screenshots(browser, server.address, arguments.screenshots)
    finally:
        sample.remove()
    print("found: the page searches, follows versions, draws, asks for keys, fits a phone, and runs no script but its own")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shardctl", type=pathlib.Path, default=served.SHARDCTL)
    parser.add_argument("--screenshots", type=pathlib.Path)
    try:
        check(parser.parse_args())
    except (Failed, served.Failed) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
