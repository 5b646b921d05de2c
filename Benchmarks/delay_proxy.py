#!/usr/bin/env python3
"""Forwards TCP connections to an HTTP server and holds each request back for a while, as a distant store would.

    Benchmarks/delay_proxy.py LISTEN_PORT UPSTREAM_PORT MILLISECONDS

Whatever a client sends after it was silent, and an answer came back, is a new request and waits. Loopback only.
"""
import asyncio
import sys


async def serve(reader, writer, upstream, delay):
    try:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", upstream)
    except OSError:
        writer.close()
        return
    state = {"answered": True}

    async def forth():
        while data := await reader.read(1 << 16):
            if state["answered"]:
                state["answered"] = False
                await asyncio.sleep(delay)
            server_writer.write(data)
            await server_writer.drain()
        server_writer.close()

    async def back():
        while data := await server_reader.read(1 << 16):
            state["answered"] = True
            writer.write(data)
            await writer.drain()
        writer.close()

    await asyncio.gather(forth(), back(), return_exceptions=True)


async def main(listen, upstream, milliseconds):
    server = await asyncio.start_server(
        lambda r, w: serve(r, w, upstream, milliseconds / 1000), "127.0.0.1", listen)
    async with server:
        await server.serve_forever()


asyncio.run(main(*map(int, sys.argv[1:4])))
