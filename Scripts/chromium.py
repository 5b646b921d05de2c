"""Drives a headless Chromium through its DevTools protocol, over a pair of pipes.

    with Browser() as browser:
        page = browser.open("http://127.0.0.1:8080/")
        page.until("document.title === 'Tessera'")

What the page logs, throws or is refused by its security policy is kept in `page.complaints`, each address it asks for
in `page.requested`.
"""
import base64, contextlib, fcntl, json, os, pathlib, select, shutil, subprocess, tempfile, time

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 60


class Failed(Exception):
    """The page is not as expected, or the browser failed."""


def program():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise Failed("there is no Chromium; Scripts/setup.sh page installs it")
    return found


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tessera-page-")
        options = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "--disable-gpu",
                   "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                   "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1", "--lang=en-GB"]
        # Chromium refuses to run as root inside its sandbox, as containers do.
        options += ["--no-sandbox"] if os.geteuid() == 0 else []
        commands, self.commands = _high(*os.pipe())
        self.answers, answers = _high(*os.pipe())

        def wire():
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        self.process = subprocess.Popen([program(), *options, "about:blank"], preexec_fn=wire, pass_fds=(3, 4),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": self.folder, "TZ": "UTC"})
        os.close(commands)
        os.close(answers)
        self.number, self.raw, self.pages = 0, bytearray(), {}

    def open(self, address, width=1280, height=900, dark=False):
        """A new page, with nothing left of the pages before: no storage, no cache."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, address, width, height, dark)

    def call(self, method, session=None, **parameters):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        rest = memoryview(json.dumps(message).encode() + b"\0")
        while rest:
            rest = rest[os.write(self.commands, rest):]
        end = time.monotonic() + PATIENCE_S
        while True:
            message = self.receive(end, method)
            if message.get("id") == number:
                if "error" in message:
                    raise Failed(f"{method}: {message['error'].get('message')}")
                return message["result"]
            if page := self.pages.get(message.get("sessionId")):
                page.note(message)

    def receive(self, end, what):
        while b"\0" not in self.raw:
            ready, _, _ = select.select([self.answers], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.answers, 1 << 16) if ready else b""
            if not piece:
                raise Failed(f"the browser {'ended' if ready else 'does not answer'}: {what}")
            self.raw += piece
        message, _, self.raw = self.raw.partition(b"\0")
        return json.loads(message)

    def close(self):
        with contextlib.suppress(OSError, Failed):
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Page:
    def __init__(self, browser, session, address, width, height, dark):
        self.browser, self.session = browser, session
        self.complaints, self.requested = [], []
        browser.pages[session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.look(width, height, dark)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        failure = self.call("Page.navigate", url=address).get("errorText")
        if failure:
            raise Failed(f"{address}: {failure}")
        self.until("document.readyState === 'complete'")

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def note(self, message):
        kind, parameters = message.get("method"), message.get("params", {})
        if kind == "Log.entryAdded":
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif kind == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif kind == "Runtime.consoleAPICalled":
            self.complaints.append(" ".join(str(part.get("value")) for part in parameters["args"]))
        elif kind == "Network.requestWillBeSent":
            self.requested.append(parameters["request"]["url"])

    def look(self, width, height, dark):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def value(self, expression):
        """What the expression is in the page, as JSON has it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Failed(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def until(self, expression):
        """Waits until the expression is true; what it is, then."""
        end = time.monotonic() + PATIENCE_S
        while not (found := self.value(expression)):
            if time.monotonic() > end:
                raise Failed(f"never came true: {expression}; the page says: {self.value('document.body.innerText')[:600]}")
            time.sleep(0.05)
        return found

    def type(self, selector, text):
        """Puts the text in place of what the field holds, as typing would."""
        self.value(f"document.querySelector({json.dumps(selector)}).focus(), document.activeElement.select()")
        self.call("Input.insertText", text=text)

    def click(self, selector):
        """Clicks where it is, so that what lies over it would be noticed."""
        place = self.value(f"(() => {{ const it = document.querySelector({json.dumps(selector)}); it.scrollIntoView({{block: 'center'}});"
                           " const box = it.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;"
                           " return it.contains(document.elementFromPoint(x, y)) ? [x, y] : null; })()")
        if place is None:
            raise Failed(f"something lies over {selector}, or it is not to be seen")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Enter": 13, "Tab": 9}.get(key, 0), **text)

    def screenshot(self, path):
        """The whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))


def _high(*descriptors):
    """Copies of the pipes with numbers above 4, because the browser needs 3 and 4."""
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    return moved
