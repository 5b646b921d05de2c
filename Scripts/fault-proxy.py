#!/usr/bin/env python3
"""Stands before an S3 server on loopback and makes requests fail as rules say. Everything else passes unchanged, the
Host header too, so that signatures made for the proxy's address stay valid.

    Scripts/fault-proxy.py http://127.0.0.1:8000 [--rules FILE] [--attached]

Prints its own address, http://127.0.0.1:PORT, and serves until it is killed; with --attached, until its standard input
ends. FILE holds the rules for all requests, a list in JSON. While it runs, rules are set by scope: a request belongs to
each scope whose name is in its decoded path and query (or in its body, where that is short).

    PUT /_faults/SCOPE   sets the scope's rules, and lets go the requests that it holds: they are judged anew
    GET /_faults/SCOPE   {"fired": [how often, rule by rule], "holding": requests held now, "seen": requests that came}

The first rule that is due decides. A rule matches by "method", "target" (decoded path and query) and "authorization",
all regular expressions; is due from the match after "skip", every "every"th time, at most "times" times; and its "fault" is

    delay        waits "milliseconds", then goes on
    answer       "status", with S3's "code" and "retryAfter" if given; the server sees nothing, unless "applied"
    reset        the connection breaks before the server sees anything; after it is done, with "applied"
    tear         "bytes" of the request's body reach the server, then both connections break
    garble       a bit of the request's body is flipped at "bytes"
    truncate     "bytes" of the answer's body come, then the connection ends
    flip         a bit of the answer's body is flipped at "bytes"
    hold         no answer until the rules change; with "applied" the server has done it, with "bytes" the answer stops there
"""
import argparse, asyncio, json, os, re, socket, struct, sys
from urllib.parse import unquote, urlsplit

SHORT_BODY = 64 << 10
PIECE = 256 << 10


class Rule:
    def __init__(self, fields):
        self.fault = fields["fault"]
        self.patterns = {name: re.compile(fields[name]) for name in ("method", "target", "authorization") if name in fields}
        self.skip, self.every, self.times = fields.get("skip", 0), fields.get("every", 1), fields.get("times", sys.maxsize)
        self.status, self.code, self.retry_after = fields.get("status"), fields.get("code"), fields.get("retryAfter")
        self.applied, self.bytes = fields.get("applied", False), fields.get("bytes")
        self.milliseconds = fields.get("milliseconds", 0)
        self.matched = self.fired = 0

    def is_due(self, request):
        if not all(pattern.search(getattr(request, name)) for name, pattern in self.patterns.items()):
            return False
        self.matched += 1
        if self.matched <= self.skip or (self.matched - self.skip) % self.every != 0 or self.fired >= self.times:
            return False
        self.fired += 1
        return True


class Scope:
    def __init__(self, rules=()):
        self.rules, self.seen, self.holding, self.changed = list(rules), 0, 0, asyncio.Event()

    def replace(self, rules):
        self.changed.set()
        self.rules, self.seen, self.changed = rules, 0, asyncio.Event()

    def report(self):
        return {"fired": [rule.fired for rule in self.rules], "holding": self.holding, "seen": self.seen}


class Head:
    """A start line with headers, of a request or a response, and its bytes as received."""

    def __init__(self, raw):
        self.raw = raw
        first, *lines = raw.decode("latin1").split("\r\n")
        self.words = first.split(" ", 2)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @classmethod
    async def read(cls, reader):
        return cls(await reader.readuntil(b"\r\n\r\n"))


class Request(Head):
    async def read_body(self, reader):
        self.body = await reader.readexactly(int(self.headers.get("content-length", 0)))
        self.method, self.target = self.words[0], unquote(self.words[1])
        self.authorization = self.headers.get("authorization", "")

    def scopes(self):
        text = self.target + (self.body.decode("latin1") if len(self.body) < SHORT_BODY else "")
        return [scope for name, scope in scopes.items() if name in text]


scopes = {}


class Broken(Exception):
    """Asks for the client's connection to be reset."""


class Ended(Exception):
    """Asks for an orderly close of the client's connection, after all sent bytes."""


async def answer_pieces(reader, head, method):
    """Bytes of the body with their framing, in which offsets of faults count."""
    status = int(head.words[1])
    if method == "HEAD" or status in (204, 304) or status < 200:
        return
    if "chunked" in head.headers.get("transfer-encoding", ""):
        while True:
            line = await reader.readline()
            size = int(line.split(b";")[0], 16)
            yield line + await reader.readexactly(size + 2)
            if size == 0:
                return
    left = int(head.headers.get("content-length", 0))
    while left > 0:
        piece = await reader.read(min(left, PIECE))
        if not piece:
            raise Broken
        left -= len(piece)
        yield piece


def flipped(body, offset):
    changed = bytearray(body)
    changed[offset] ^= 4
    return bytes(changed)


class Client:
    """A connection of a client, with its connection to the server."""

    def __init__(self, reader, writer, upstream):
        self.reader, self.writer, self.upstream, self.server = reader, writer, upstream, None

    async def serve(self):
        try:
            while True:
                request = await next_request(self.reader)
                if request is None:
                    break
                await request.read_body(self.reader)
                if request.words[1].startswith("/_faults/"):
                    await self.control(request)
                else:
                    await self.judge(request)
                if request.headers.get("connection", "").lower() == "close":
                    break
        except Ended:
            pass
        except (Broken, OSError, asyncio.IncompleteReadError):
            reset(self.writer)
        finally:
            for writer in (self.writer, self.server and self.server[1]):
                if writer:
                    writer.close()

    async def control(self, request):
        name = unquote(request.words[1][len("/_faults/"):])
        scope = scopes.setdefault(name, Scope())
        if request.method == "PUT":
            scope.replace([Rule(fields) for fields in json.loads(request.body)])
        await self.reply(200, json.dumps(scope.report()).encode())

    async def judge(self, request, counts=True):
        mine = request.scopes()
        for scope in mine:
            scope.seen += counts
        for scope in mine:
            for rule in scope.rules:
                if rule.is_due(request):
                    return await self.fail(request, rule, scope)
        await self.forward(request)

    async def fail(self, request, rule, scope):
        match rule.fault:
            case "delay":
                await asyncio.sleep(rule.milliseconds / 1000)
                await self.forward(request)
            case "answer":
                if rule.applied:
                    await self.forward(request, mute=True)
                await self.refuse(request, rule)
            case "reset":
                if rule.applied:
                    await self.forward(request, mute=True)
                raise Broken
            case "tear":
                _, server = await asyncio.open_connection(*self.upstream)
                server.write(request.raw + request.body[:rule.bytes])
                await server.drain()
                reset(server)
                raise Broken
            case "garble":
                request.body = flipped(request.body, rule.bytes)
                await self.forward(request)
            case "truncate":
                await self.forward(request, stop=rule.bytes)
                raise Ended
            case "flip":
                await self.forward(request, flip=rule.bytes)
            case "hold":
                await self.hold(request, rule, scope)

    async def hold(self, request, rule, scope):
        if rule.applied:
            await self.forward(request, mute=True)
        elif rule.bytes is not None:
            await self.forward(request, stop=rule.bytes)
        scope.holding += 1
        changed, gone = asyncio.create_task(scope.changed.wait()), asyncio.create_task(self.reader.read(1))
        try:
            await asyncio.wait((changed, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            scope.holding -= 1
        # A request that was partly handled cannot be repeated: its client sees a broken connection.
        if gone.done() or rule.applied or rule.bytes is not None:
            changed.cancel()
            raise Broken
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await self.judge(request, counts=False)

    async def forward(self, request, mute=False, stop=None, flip=None):
        if self.server is None or self.server[0].at_eof():
            self.server = await asyncio.open_connection(*self.upstream, limit=1 << 20)
        reader, writer = self.server
        writer.write(request.raw + request.body)
        await writer.drain()
        head = await Head.read(reader)
        while int(head.words[1]) < 200:
            head = await Head.read(reader)
        if not mute:
            self.writer.write(head.raw)
        done = 0
        async for piece in answer_pieces(reader, head, request.method):
            if flip is not None and done <= flip < done + len(piece):
                piece = flipped(piece, flip - done)
            if stop is not None and done + len(piece) > stop:
                self.server = None
                writer.close()
                self.writer.write(piece[:stop - done])
                return await self.writer.drain()
            done += len(piece)
            if not mute:
                self.writer.write(piece)
                await self.writer.drain()
        await self.writer.drain()
        if head.headers.get("connection", "").lower() == "close":
            self.server = None
            writer.close()

    async def refuse(self, request, rule):
        code = f"<Code>{rule.code}</Code>" if rule.code else ""
        body = f'<?xml version="1.0"?><Error>{code}<Message>by the fault proxy</Message></Error>'.encode()
        more = f"Retry-After: {rule.retry_after}\r\n" if rule.retry_after is not None else ""
        await self.reply(rule.status, b"" if request.method == "HEAD" else body, more)

    async def reply(self, status, body, more=""):
        self.writer.write(f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await self.writer.drain()


async def next_request(reader):
    try:
        return await Request.read(reader)
    except asyncio.IncompleteReadError:
        return None


def reset(writer):
    """Ends a connection so that the other side sees "reset by peer", not an orderly end."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upstream")
    parser.add_argument("--rules")
    parser.add_argument("--attached", action="store_true")
    arguments = parser.parse_args()
    if arguments.rules:
        with open(arguments.rules) as file:
            scopes[""] = Scope(Rule(fields) for fields in json.load(file))
    place = urlsplit(arguments.upstream)
    upstream = place.hostname, place.port or 80
    server = await asyncio.start_server(
        lambda reader, writer: Client(reader, writer, upstream).serve(), "127.0.0.1", 0, limit=1 << 20, backlog=256)
    print("http://127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    if arguments.attached:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        # Requests that are held or partly sent end with the process.
        os._exit(0)
    else:
        await asyncio.Event().wait()


asyncio.run(main())
