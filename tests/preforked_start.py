"""Stands for a process that is forked elsewhere: `python -I -S preforked_start.py SOCKET MODULE ARGUMENT...`."""

import json
import os
import signal
import socket
import sys


def main() -> int:
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    asking.connect(sys.argv[1])
    said = {"arguments": sys.argv[2:], "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109  # the import of pathlib costs as much as all the rest
    socket.send_fds(asking, [json.dumps(said).encode() + b"\n"], [1, 2])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda heard, _: asking.sendall(bytes([heard])))
    with asking.makefile() as answers:
        code = int(next(answers, "1"))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main())
