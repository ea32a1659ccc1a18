# SPDX-License-Identifier: MIT
"""screen.py COLUMNSxROWS TEXT GATE COMMAND...: runs a command on a terminal of that size, and shows what stood there.

The terminal is a small one: it wraps, scrolls, and knows the escapes that move the cursor up and that erase. As soon as
TEXT stands on it, the file GATE (a named pipe) is opened and closed, so that whoever reads it goes on. Printed are the
screen at that moment and, under a line of dashes, the one in the end; numbers and bars are masked.
"""
import codecs
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import unicodedata


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.x, self.y = [[]], 0, 0

    def down(self):
        self.y += 1
        if self.y == len(self.lines):
            self.lines.append([])

    def put(self, c):
        width = 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if self.x + width > self.columns:
            self.down()
            self.x = 0
        line = self.lines[self.y]
        line.extend(" " * (self.x + width - len(line)))
        line[self.x] = c
        self.x += width

    def escape(self, parameter, final):
        if final == "A": # what has scrolled away is out of reach
            self.y = max(self.y - int(parameter or 1), len(self.lines) - self.rows, 0)
        elif final in "KJ" and parameter in ("", "0"):
            del self.lines[self.y][self.x:]
            if final == "J":
                del self.lines[self.y + 1:]
        elif final != "m":
            raise SystemExit("unknown escape %r %r" % (parameter, final))

    def write(self, text):
        for escape, parameter, final, c in re.findall("(\x1b\\[([0-9;]*)([A-Za-z]))|(.)", text, re.S):
            if escape:
                self.escape(parameter, final)
            elif c == "\r":
                self.x = 0
            elif c == "\n":
                self.down()
            else:
                self.put(c)

    def show(self):
        lines = ["".join(line).rstrip() for line in self.lines]
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines)


def mask(text):
    text = re.sub("[█░]+", "BAR", text)
    number = r"\b[0-9]+(?:[.,][0-9]+)*"
    text = re.sub(number + r" (ns|us|ms|s|min [0-9]+ s)\b", "N s", text)
    text = re.sub(number + r" [kMGT]?B\b", "N B", text)
    return re.sub(number, "N", text)


def main():
    columns, rows = map(int, sys.argv[1].split("x"))
    screen, seen, decoder = Screen(columns, rows), None, codecs.getincrementaldecoder("utf-8")("replace")
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.environ.setdefault("TERM", "xterm")
        os.execvp(sys.argv[4], sys.argv[4:])
    while True:
        try:
            screen.write(decoder.decode(os.read(terminal, 65536)))
        except OSError: # it has ended
            break
        if seen is None and sys.argv[2] in screen.show():
            seen = screen.show()
            os.close(os.open(sys.argv[3], os.O_WRONLY))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(mask("%s\n%s\n%s" % (seen, "-" * 20, screen.show())))
    print("[it ended with %d]" % code)


main()
