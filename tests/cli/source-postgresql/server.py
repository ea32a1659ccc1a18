#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""server.py start|stop|kill|again DIR: a PostgreSQL server of one's own, for tests.

`start` makes a database cluster in a scratch directory, which DIR becomes a link to, and runs a server on a socket file in it, with
nothing synchronised to disks. Whoever says so is `owner`; `guarded` needs a password. As another user where root calls, whom PostgreSQL refuses. A watcher ends it with
`stop`, or when the caller's caller is gone. `kill` ends the server the hard way, `again` runs it anew.
"""
import ctypes
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SETTINGS = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "16MB",
            "max_connections": "20", "max_wal_senders": "0", "wal_level": "minimal", "autovacuum": "off",
            "max_parallel_workers": "0", "max_parallel_workers_per_gather": "0", "lc_messages": "C", "log_min_messages": "panic"}
WAIT = 60  # seconds


def programs():
    """The directory of initdb and postgres, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda p: int(p.split("/")[4]))
    found += [p for p in [shutil.which("postgres")] if p]
    return os.path.dirname(os.path.realpath(found[-1])) if found else None


def user():
    """Whose the server is: (uid, gid), or None for the caller's."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            pass
    sys.exit("server.py: root has no user to be for PostgreSQL")


def become():
    who = user()
    if who:
        os.setgroups([])
        os.setgid(who[1])
        os.setuid(who[0])
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def socket_of(directory):
    return os.path.join(directory, ".s.PGSQL.5432")


def serve(directory):
    command = [os.path.join(programs(), "postgres"), "-D", os.path.join(directory, "data"), "-k", directory]
    for key, value in SETTINGS.items():
        command += ["-c", "%s=%s" % (key, value)]
    return subprocess.Popen(command, cwd=directory, preexec_fn=become, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def watch(directory, caller):
    """Runs the server until it is to stop."""
    server = serve(directory)
    while os.path.exists("/proc/%d" % caller) and not os.path.exists(os.path.join(directory, "stop")):
        if server.poll() is not None and os.path.exists(os.path.join(directory, "again")):
            os.unlink(os.path.join(directory, "again"))
            server = serve(directory)
        time.sleep(0.02)
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        server.wait()
    shutil.rmtree(directory, ignore_errors=True)


def answers(directory):
    return subprocess.run([os.path.join(programs(), "psql"), "-h", directory, "-U", "owner", "-Atqc", "select 1", "postgres"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def wait_until(done):
    for _ in range(WAIT * 50):
        if done():
            return
        time.sleep(0.02)
    sys.exit("server.py: it takes too long")


def caller_of(pid):
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])


def start(link):
    directory = tempfile.mkdtemp(prefix="pressrun-pg-")
    os.chmod(directory, 0o755)
    if user():
        os.chown(directory, *user())
    subprocess.run([os.path.join(programs(), "initdb"), "-D", os.path.join(directory, "data"), "-U", "owner", "-A", "trust", "-E",
                    "UTF8", "--locale=C", "--no-sync", "--no-instructions"],
                   cwd=directory, preexec_fn=become, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(directory, "data", "pg_hba.conf"), "w") as f:
        f.write("local all guarded scram-sha-256\nlocal all all trust\n")
    caller = caller_of(os.getppid())
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        watch(directory, caller)
        os._exit(0)
    os.symlink(directory, link)
    wait_until(lambda: answers(directory))


def main(action, link):
    if action == "start":
        start(link)
        return
    directory = os.path.realpath(link)
    if action == "stop":
        open(os.path.join(directory, "stop"), "w").close()
        wait_until(lambda: not os.path.exists(directory))
    elif action == "kill":
        with open(os.path.join(directory, "data", "postmaster.pid")) as f:
            pid = int(f.readline())
        os.kill(pid, signal.SIGQUIT)
        wait_until(lambda: not os.path.exists(socket_of(directory)))
    elif action == "again":
        open(os.path.join(directory, "again"), "w").close()
        wait_until(lambda: answers(directory))


if __name__ == "__main__":
    main(*sys.argv[1:])
