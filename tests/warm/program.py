"""One program of the warm suites."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Program:
    text: str
    status: str = "exited"
    arguments: tuple = ()
    stdin: bytes = b""
