# SPDX-License-Identifier: MIT
"""statsd.py NAME... -- COMMAND...: a StatsD server for as long as a command runs, which gets its address as {}.

Every datagram must be well formed. Printed is what each NAME, which may be a pattern (*), came to: counters added up,
gauges as they were told last; gauges' numbers only where they are whole.
"""
import fnmatch
import re
import socket
import subprocess
import sys
import threading

LINE = re.compile(rb"([A-Za-z0-9_.-]+):(-?[0-9]+(?:\.[0-9]+)?)\|([cg])")


def main():
    split = sys.argv.index("--")
    patterns, command = sys.argv[1:split], sys.argv[split + 1:]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    server.bind(("127.0.0.1", 0))
    address = "127.0.0.1:%d" % server.getsockname()[1]
    datagrams = []

    def listen():
        while datagram := server.recv(65536):
            datagrams.append(datagram)

    listener = threading.Thread(target=listen)
    listener.start()
    code = subprocess.run([word.replace("{}", address) for word in command]).returncode
    server.sendto(b"", server.getsockname())
    listener.join()
    values = {}
    for datagram in datagrams:
        assert len(datagram) <= 1432, len(datagram)
        for line in datagram.split(b"\n"):
            name, number, kind = LINE.fullmatch(line).groups()
            before = values.get((name.decode(), kind.decode()), 0) if kind == b"c" else 0
            values[name.decode(), kind.decode()] = before + float(number)
    print("datagrams: %s" % ("some" if datagrams else "none"))
    for (name, kind), value in sorted(values.items()):
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            print("%s|%s %s" % (name, kind, "%d" % value if value == int(value) else "..."))
    sys.exit(code)


main()
