"""A key set server on raw sockets that answers as it is told, and counts who asked."""

import asyncio
from contextlib import asynccontextmanager


def ok(body, more=""):
    """A whole answer with status 200."""
    return answer("200 OK", body, more)


def answer(status, body, more=""):
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class KeyServer:
    """`answer` is what it sends: bytes, or a coroutine function of the writer."""

    def __init__(self, answer):
        self.answer = answer
        self.heads = []
        self.url = ""

    @property
    def asked(self):
        return len(self.heads)

    @asynccontextmanager
    async def running(self, tls=None):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
        async with server:
            yield self

    async def _serve(self, reader, writer):
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            if callable(self.answer):
                await self.answer(writer)
            else:
                writer.write(self.answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def silent(writer):
    """Never answers; ends when the client has gone."""
    await writer.wait_closed()


def dripping(content):
    """Sends a byte now and then, each read in good time."""

    async def drip(writer):
        for byte in content:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    return drip
