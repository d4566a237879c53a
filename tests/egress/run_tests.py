#!/usr/bin/env python3
"""A network that is a list of hosts: who is reached, who is not, what is told of it, and that it fails closed.

    tests/egress/run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]

The suite is its own internet: a network namespace with servers at addresses of the loopback interface, and names for them in
an /etc/hosts of its own. Nothing outside of this machine is asked for anything.
"""

import ctypes
import fcntl
import http.server
import io
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sandpit_tests  # noqa: E402
from sandpit_tests import PATIENCE, SLOWNESS, Case, sandpit_path, seconds  # noqa: E402

PUBLIC, OTHER, PRIVATE = "93.184.216.34", "93.184.216.35", "10.1.2.3"
PORT = 8080
HOSTS = f"""127.0.0.1 localhost rebind.test
{PUBLIC} public.test
{OTHER} other.test
{PRIVATE} private.test
::ffff:{PRIVATE} mapped.test
"""
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
SIOCSIFADDR, SIOCSIFNETMASK, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8916, 0x891C, 0x8913, 0x8914
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def interface(control, request, name, address=None):
    rest = struct.pack("<HH4s8x", socket.AF_INET, 0, socket.inet_aton(address)) if address else bytes(16)
    return fcntl.ioctl(control, request, struct.pack("<16s", name.encode()) + rest + bytes(8))


def own_internet():
    """Moves this process, which has one thread yet, to namespaces of its own."""
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(CLONE_NEWNET | CLONE_NEWNS | (0 if uid == 0 else CLONE_NEWUSER)))
    if uid != 0:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    ours = sandpit_tests.private_directory("sandpit-suite-hosts-")
    for name, text in (("hosts", HOSTS), ("resolv.conf", "nameserver 127.0.0.1\n")):
        (ours / name).write_text(text)
        check(libc.mount(str(ours / name).encode(), f"/etc/{name}".encode(), None, MS_BIND, None))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack_from("<H", interface(control, SIOCGIFFLAGS, "lo"), 16)[0]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("<16sH22x", b"lo", flags | 1))
        for number, address in enumerate((PUBLIC, OTHER, PRIVATE)):
            interface(control, SIOCSIFADDR, f"lo:{number}", address)
            interface(control, SIOCSIFNETMASK, f"lo:{number}", "255.255.255.255")


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []
    files = {}  # path -> bytes, besides the pages

    def answer(self, text, status=200):
        body = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        Page.seen.append((self.path, dict(self.headers)))
        if Page.files:
            found = Page.files.get(self.path.split("?")[0])
            return self.answer(found or "nothing there", 200 if found is not None else 404)
        self.answer(f"page {self.path} of {self.headers['Host']} from {self.connection.getsockname()[0]}\n")

    def do_POST(self):
        self.answer(f"got {len(self.rfile.read(int(self.headers['Content-Length'])))}\n")

    def log_message(self, *_):
        pass


def echo(listener):
    """Each connection gets back what it says, once it has said all, with the number of bytes before it."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return

        def serve(peer=peer):
            with peer:
                said = b""
                while part := peer.recv(65536):
                    said += part
                peer.sendall(b"%d:" % len(said) + said)
        threading.Thread(target=serve, daemon=True).start()


ARRIVED = []  # at the sinks: (bytes, whether the end was an end of stream)


def sink(listener, pause):
    while True:
        peer, _ = listener.accept()

        def serve(peer=peer):
            count = 0
            with peer:
                try:
                    while part := peer.recv(65536):
                        count += len(part)
                        time.sleep(pause)
                    ARRIVED.append((count, True))
                except OSError:
                    ARRIVED.append((count, False))
        threading.Thread(target=serve, daemon=True).start()


def name_server(server):
    """Knows looked-up.test, which has two addresses; of dead.test it says nothing at all."""
    while True:
        packet, client = server.recvfrom(4096)
        if b"\x04dead\x04test\0" in packet:
            continue
        end = packet.index(b"\0", 12) + 5
        known = packet[12:end - 4].lower() == b"\x09looked-up\x04test\0"
        addresses = (PUBLIC, OTHER) if known and packet[end - 4:end - 2] == b"\0\x01" else ()
        answers = b"".join(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton(address) for address in addresses)
        server.sendto(packet[:2] + (b"\x81\x80" if known else b"\x81\x83") + b"\0\x01" + struct.pack(">H", len(addresses)) + bytes(4)
                      + packet[12:end] + answers, client)


# What the programs start with: `tell` a name and what came of it, `said` by the echo server.
HEAD = f"""
import errno, socket, sys, time
PORT, PROXY, SLOWNESS = {PORT}, ("127.0.0.1", 3128), {SLOWNESS}
def tell(name, function):
    began = time.monotonic()
    try: result = function()
    except socket.gaierror as error: result = "gaierror"
    except OSError as error: result = errno.errorcode.get(error.errno, str(error))
    print(name, result, "slow" if time.monotonic() - began > 5 * SLOWNESS else "", flush=True)
def said(peer, text=b"hello"):
    with peer:
        peer.sendall(text); peer.shutdown(socket.SHUT_WR)
        answer = b""
        while part := peer.recv(65536): answer += part
        return answer.decode()
def direct(host, port=PORT, text=b"hello"): return said(socket.create_connection((host, port), timeout=10 * SLOWNESS), text)
def connected(head):
    peer = socket.create_connection(PROXY, timeout=10 * SLOWNESS); peer.sendall(head); answer = peer.recv(4096)
    return peer, answer
def tunnel(where):
    peer, answer = connected(f"CONNECT {{where}} HTTP/1.1\\r\\nHost: {{where}}\\r\\n\\r\\n".encode())
    status = answer.split()[1].decode()
    return said(peer) if status == "200" else status
def socks(host, port=PORT):
    peer, answer = connected(b"\\x05\\x01\\x00")
    peer.sendall(b"\\x05\\x01\\x00\\x03" + bytes([len(host)]) + host.encode() + port.to_bytes(2, "big"))
    reply = peer.recv(4096)[1]
    return said(peer) if reply == 0 else f"reply {{reply}}"
"""


class EgressCase(Case):
    def setUp(self):
        super().setUp()
        Page.seen.clear()
        Page.files = {}

    def python(self, text, *options, net=f"public.test:{PORT}", **more):
        return self.program("main.py", HEAD + text, *(["--net", net] if net else []), *options, **more)

    def lines(self, outcome):
        self.assert_outcome(outcome, status="exited", exit_code=0)
        return dict(line.strip().split(" ", 1) for line in outcome["stdout"].splitlines())

    def denied(self, outcome):
        return {f"{row['call']} {row['detail']}": row["count"] for row in outcome["denials"]}


class Reached(EgressCase):
    def test_a_listed_name_by_every_way(self):
        outcome = self.python("tell('direct', lambda: direct('public.test'))\n"
                              "tell('tunnel', lambda: tunnel(f'public.test:{PORT}'))\n"
                              "tell('socks', lambda: socks('public.test'))")
        self.assertEqual(self.lines(outcome), dict.fromkeys(("direct", "tunnel", "socks"), "5:hello"), outcome)
        self.assert_outcome(outcome, denials=[], warnings=self.usual_warnings(outcome))
        self.assertEqual(outcome["network"], {"connections": 3, "denied": 0, "bytes_sent": 15, "bytes_received": 21})

    def usual_warnings(self, outcome):
        return [warning for warning in outcome["warnings"] if "network" not in warning]

    def test_libraries_that_know_the_environment(self):
        outcome = self.python("import urllib.request as u\n"
                              f"print('get', u.urlopen('http://public.test:{PORT + 1}/a?b').read().decode())\n"
                              f"print('post', u.urlopen('http://public.test:{PORT + 1}/', data=b'x' * 100000).read().decode())",
                              net=f"public.test:{PORT + 1}")
        self.assertEqual(self.lines(outcome | {"stdout": outcome["stdout"].replace("\n\n", "\n")}),
                         {"get": f"page /a?b of public.test:{PORT + 1} from {PUBLIC}", "post": "got 100000"})
        self.assertEqual([path for path, _ in Page.seen], ["/a?b"])
        self.assertNotIn("proxy", " ".join(Page.seen[0][1]).lower())

    def test_curl(self):
        self.need("curl", "curl")
        outcome = self.program("main.sh", f"curl -sS http://public.test:{PORT + 1}/one; curl -sS --noproxy '*' http://public.test:{PORT + 1}/two\n"
                               f"curl -sS -p http://public.test:{PORT + 1}/three; curl -sS -x socks5h://127.0.0.1:3128 http://public.test:{PORT + 1}/four\n"
                               f"curl -sS http://other.test:{PORT + 1}/five", "--net", f"public.test:{PORT + 1}")
        self.assertEqual([line.split()[1] for line in outcome["stdout"].splitlines() if line.startswith("page")],
                         ["/one", "/two", "/three", "/four"], outcome)
        self.assertIn(f"--net other.test:{PORT + 1}", outcome["stdout"])  # the proxy's page of refusal

    def test_node(self):
        self.need("node")
        outcome = self.program("main.mjs", "import http from 'node:http';\n"
                               f"const url = 'http://public.test:{PORT + 1}/';\n"
                               "console.log(await (await fetch(url + 'fetch')).text());\n"
                               "http.get(url + 'get', (r) => r.setEncoding('utf8').on('data', (d) => console.log(d)));\n",
                               "--net", f"public.test:{PORT + 1}", "--runtime", "javascript")
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertEqual([line.split()[1] for line in outcome["stdout"].splitlines() if line], ["/fetch", "/get"])

    def tool(self, *commands, host="public.test"):
        """A shell's commands, one after the other, with their output; the server of `public.test` has Page.files."""
        return self.program("main.sh", "\n".join(["exec 2>&1", *commands]) + "\n", "--net", f"{host}:{PORT + 1}", "--processes", "40",
                            "--timeout", seconds(90), "--cpu-time", seconds(60), "--memory", "512")

    def test_git(self):
        self.need("git", "git")
        git = ["git", "-C", str(self.dir / "made"), "-c", "user.name=x", "-c", "user.email=x@x"]
        (self.dir / "made").mkdir()
        self.write("made/file", "versioned\n")
        for words in (["init", "-q"], ["add", "file"], ["commit", "-qm", "x"], ["update-server-info"]):
            subprocess.run([*git, *words], check=True, env=self.env, capture_output=True)
        root = self.dir / "made/.git"
        Page.files = {f"/made.git/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*") if path.is_file()}
        clone = f"git clone -q http://public.test:{PORT + 1}/made.git copy && cat copy/file"
        self.assert_outcome(self.tool(clone), status="exited", exit_code=0, stdout="versioned\n")
        outcome = self.tool(clone, host="other.test")
        self.assertIn("403", outcome["stdout"])
        self.assertIn(f"connect public.test:{PORT + 1} (tcp)", self.denied(outcome))

    def test_pip(self):
        if subprocess.run(["/usr/bin/python3", "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("pip of /usr/bin/python3 (apt-get install -y python3-pip)")
        wheel = io.BytesIO()
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("small/__init__.py", "")
            archive.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
            archive.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr("small-1.0.dist-info/RECORD", "")
        name = "small-1.0-py3-none-any.whl"
        Page.files = {"/simple/small/": f'<a href="/{name}">{name}</a>'.encode(), f"/{name}": wheel.getvalue()}
        fetch = (f"/usr/bin/python3 -m pip download -q --no-cache-dir --disable-pip-version-check --no-deps --retries 0 "
                 f"--index-url http://public.test:{PORT + 1}/simple/ --trusted-host public.test small")
        self.assert_outcome(self.tool(fetch + " && ls *.whl"), status="exited", exit_code=0, stdout=name + "\n")
        outcome = self.tool(fetch, host="other.test")
        self.assertNotEqual(outcome["exit_code"], 0)
        self.assertIn(f"connect public.test:{PORT + 1} (tcp)", self.denied(outcome))

    def test_wget(self):
        self.need("wget", "wget")
        outcome = self.tool(f"wget -qO - http://public.test:{PORT + 1}/one", f"wget -qO - --no-proxy http://public.test:{PORT + 1}/two",
                            f"wget -nv -O - http://other.test:{PORT + 1}/three")
        self.assertEqual([line.split()[1] for line in outcome["stdout"].splitlines() if line.startswith("page")], ["/one", "/two"], outcome)
        self.assertIn("403", outcome["stdout"])

    def test_programs_that_know_one_variable_only(self):
        """As many as there are habits: in small letters, in capitals, and for everything."""
        self.need("curl", "curl")
        names = ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
        outcome = self.tool(*(f"(value=${name}; unset {' '.join(names)}; curl -sS -x \"$value\" http://public.test:{PORT + 1}/{name})"
                              for name in names))
        self.assertEqual([line.split()[1] for line in outcome["stdout"].splitlines() if line.startswith("page")],
                         [f"/{name}" for name in names], outcome)

    def test_addresses_and_networks(self):
        outcome = self.python(f"tell('network', lambda: direct('{PRIVATE}'))\n"
                              f"tell('address', lambda: direct('{OTHER}'))\n"
                              f"tell('tunnel', lambda: tunnel('{PRIVATE}:{PORT}'))\n"
                              f"tell('other-port', lambda: direct('{PRIVATE}', 81))\n"
                              "tell('mapped', lambda: tunnel(f'[::ffff:%s]:{PORT}'))" % PRIVATE,
                              net=f"10.0.0.0/8:{PORT},{OTHER}:{PORT},public.test:{PORT}")
        self.assertEqual(self.lines(outcome), {"network": "5:hello", "address": "5:hello", "tunnel": "5:hello",
                                               "other-port": "ECONNREFUSED", "mapped": "5:hello"}, outcome)
        self.assertEqual(self.denied(outcome), {f"connect {PRIVATE}:81 (tcp)": 1})

    def test_any_port(self):
        outcome = self.python("tell('tunnel', lambda: tunnel(f'public.test:{PORT}'))\n"
                              "import http.client as h\n"
                              f"c = h.HTTPConnection('public.test', 80); c.request('GET', '/x'); print('direct', c.getresponse().read().decode())",
                              net="public.test")
        self.assertEqual(self.lines(outcome | {"stdout": outcome["stdout"].replace("\n\n", "\n")}),
                         {"tunnel": "5:hello", "direct": f"page /x of public.test from {PUBLIC}"})

    def test_a_lot_of_bytes_both_ways_and_all_are_counted(self):
        outcome = self.python("print('lot', len(direct('public.test', text=b'x' * 5_000_000)))")
        self.assertEqual(self.lines(outcome), {"lot": "5000008"})
        self.assertEqual((outcome["network"]["bytes_sent"], outcome["network"]["bytes_received"]), (5000000, 5000008))

    def test_what_is_sent_last_arrives(self):
        ARRIVED.clear()
        for size in (1, 20, 100_000, 3_000_000):
            for way in ("peer = socket.create_connection(('public.test', PORT + 2))",
                        "peer, _ = connected(f'CONNECT public.test:{PORT + 2} HTTP/1.1\\r\\n\\r\\n'.encode())"):
                outcome = self.python(f"{way}\npeer.sendall(b'x' * {size})", net=f"public.test:{PORT + 2}")
                self.assertEqual((outcome["network"]["connections"], outcome["network"]["bytes_sent"]), (1, size), (way, outcome))
        self.assertTrue(wait_until(lambda: len(ARRIVED) == 8))
        self.assertEqual(sorted(ARRIVED), sorted([(size, True) for size in (1, 20, 100_000, 3_000_000)] * 2))

    def test_what_is_not_taken_in_time_ends_in_a_reset(self):
        ARRIVED.clear()
        outcome = self.python("peer = socket.create_connection(('public.test', PORT + 3))\npeer.setblocking(False)\n"
                              f"sent = 0\nuntil = time.monotonic() + {0.5 * SLOWNESS}\n"
                              "while time.monotonic() < until:\n  try: sent += peer.send(b'x' * 65536)\n  except BlockingIOError: time.sleep(0.01)\n"
                              "print('sent', sent)", net=f"public.test:{PORT + 3}")
        sent = int(self.lines(outcome)["sent"])
        self.assertTrue(wait_until(lambda: ARRIVED, patience=60))
        self.assertFalse(ARRIVED[0][1])
        self.assertLess(ARRIVED[0][0], sent)
        self.assertIn("reset at the end of the run", " ".join(outcome["warnings"]))

    def test_many_at_once(self):
        outcome = self.python("import concurrent.futures as c\n"
                              "with c.ThreadPoolExecutor(20) as pool: print('all', set(pool.map(lambda n: direct('public.test'), range(200))))",
                              "--processes", "40")
        self.assertEqual(self.lines(outcome), {"all": "{'5:hello'}"})
        self.assertEqual(outcome["network"]["connections"], 200)

    def test_a_name_that_a_name_server_knows(self):
        if os.geteuid() != 0:
            self.skipTest("root: a name server has port 53")
        outcome = self.python("tell('tunnel', lambda: tunnel(f'looked-up.test:{PORT}'))\ntell('direct', lambda: direct('looked-up.test'))\n"
                              "tell('unknown', lambda: tunnel('unknown.test:80'))", net=f"looked-up.test:{PORT},unknown.test:80")
        self.assertEqual(self.lines(outcome), {"tunnel": "5:hello", "direct": "5:hello", "unknown": "502"}, outcome)

    def test_a_name_server_that_is_silent_holds_up_nobody_else(self):
        if os.geteuid() != 0:
            self.skipTest("root: a name server has port 53")
        outcome = self.python("import os, threading\nfor n in range(8): threading.Thread(target=lambda: tunnel('dead.test:80'), daemon=True).start()\n"
                              "time.sleep(0.5)\ntell('other', lambda: tunnel(f'public.test:{PORT}'))\n"
                              "tell('looked-up', lambda: tunnel(f'looked-up.test:{PORT}'))\nsys.stdout.flush(); os._exit(0)",
                              "--processes", "20", net=f"public.test:{PORT},looked-up.test:{PORT},dead.test:80")
        self.assertEqual(self.lines(outcome), {"other": "5:hello", "looked-up": "5:hello"}, outcome)

    def test_through_the_library(self):
        self.write("tasks.jsonl", "".join(json.dumps({"id": n, "runtime": "python", "source": HEAD + "print(direct('public.test'))"}) + "\n"
                                          for n in range(8)))
        self.sandpit("batch", "tasks.jsonl", "-o", "results.jsonl", "-j", "4", "--net", f"public.test:{PORT}")
        found = [json.loads(line) for line in (self.dir / "results.jsonl").read_text().splitlines()]
        self.assertEqual([run["stdout"] for run in found], ["5:hello\n"] * 8, found[0])
        self.assertEqual({run["network"]["connections"] for run in found}, {1})
        self.assertEqual({run["start"] for run in found}, {"cold"})

    def test_a_configuration_file(self):
        self.write("sandbox.toml", f'[security]\nnetwork = {{ mode = "allow", hosts = ["public.test:{PORT}"] }}\n')
        outcome = self.python("tell('direct', lambda: direct('public.test'))", "--config", "sandbox.toml", net=None)
        self.assertEqual(self.lines(outcome), {"direct": "5:hello"})

    def test_the_programs_own_loopback_is_its_own(self):
        outcome = self.python("import threading\n"
                              "mine = socket.create_server(('127.0.0.1', PORT))\n"
                              "def serve():\n  with mine.accept()[0] as peer: peer.recv(10); peer.sendall(b'mine'); peer.recv(10)\n"
                              "threading.Thread(target=serve, daemon=True).start()\n"
                              "tell('own', lambda: direct('127.0.0.1'))")
        self.assertEqual(self.lines(outcome), {"own": "mine"})
        self.assertEqual(outcome["denials"], [])


class Denied(EgressCase):
    def test_what_is_not_listed_fails_at_once_and_is_told(self):
        outcome = self.python(f"tell('name', lambda: direct('other.test'))\n"
                              f"tell('address', lambda: direct('{OTHER}'))\n"
                              f"tell('listed-by-name', lambda: direct('{PUBLIC}'))\n"
                              "tell('port', lambda: direct('public.test', PORT + 1))\n"
                              "tell('tunnel', lambda: tunnel(f'other.test:{PORT}'))\n"
                              "tell('tunnel-port', lambda: tunnel(f'public.test:{PORT + 1}'))\n"
                              "tell('socks', lambda: socks('other.test'))")
        self.assertEqual(self.lines(outcome), {"name": "gaierror", "address": "ENETUNREACH", "listed-by-name": "ENETUNREACH",
                                               "port": "ECONNREFUSED", "tunnel": "403", "tunnel-port": "403", "socks": "reply 2"})
        self.assertEqual(self.denied(outcome), {"resolve other.test": 2,  # A and AAAA
                                                f"connect {OTHER}:{PORT} (tcp)": 1, f"connect {PUBLIC}:{PORT} (tcp)": 1,
                                                f"connect public.test:{PORT + 1} (tcp)": 2, f"connect other.test:{PORT} (tcp)": 2})
        hints = {row["detail"]: row["hint"] for row in outcome["denials"]}
        self.assertEqual(hints[f"{OTHER}:{PORT} (tcp)"], f"--net {OTHER}:{PORT}")
        self.assertEqual(hints[f"public.test:{PORT + 1} (tcp)"], f"--net public.test:{PORT + 1}")
        self.assertEqual(hints["other.test"], "--net other.test")
        self.assertEqual(outcome["network"]["connections"], 0)

    def test_a_name_that_leads_to_a_private_address(self):
        text = ("tell('rebind', lambda: tunnel(f'rebind.test:{PORT}'))\ntell('direct', lambda: direct('rebind.test'))\n"
                "tell('private', lambda: socks('private.test'))\ntell('mapped', lambda: tunnel(f'mapped.test:{PORT}'))")
        names = f"rebind.test:{PORT},private.test:{PORT},mapped.test:{PORT}"
        outcome = self.python(text, net=names)
        found = self.lines(outcome)
        self.assertEqual((found["rebind"], found["private"], found["mapped"]), ("403", "reply 2", "403"), outcome)
        self.assertNotIn("hello", found["direct"])
        self.assertEqual(self.denied(outcome)[f"connect rebind.test:{PORT} (tcp)"], 2)
        self.assertIn("private address", next(row["hint"] for row in outcome["denials"]))
        self.assertEqual(outcome["network"]["connections"], 0)
        # With the address listed as well they are reached: it was the rule that kept them out.
        outcome = self.python(text, net=f"{names},127.0.0.1:{PORT},10.0.0.0/8:{PORT}")
        self.assertEqual(set(self.lines(outcome).values()), {"5:hello"}, outcome)

    def test_addresses_in_disguise(self):
        disguises = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "localhost", "[::1]", "[::ffff:127.0.0.1]",
                     "[::127.0.0.1]", "0.0.0.0", "[::]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]
        outcome = self.python("".join(f"tell('{n}', lambda: tunnel('{host}:%d' % PORT))\n" for n, host in enumerate(disguises)))
        found = self.lines(outcome)
        self.assertEqual(len(found), len(disguises))
        self.assertLessEqual(set(found.values()), {"403", "400"}, list(zip(disguises, found.values())))
        # That there is somebody to reach.
        with socket.create_connection(("127.0.0.1", PORT)) as peer:
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(peer.recv(10), b"0:")

    def test_services_of_the_host(self):
        with socket.create_server(("127.0.0.1", 4321)):
            outcome = self.python("tell('loopback', lambda: direct('127.0.0.1', 4321))\ntell('tunnel', lambda: tunnel('localhost:4321'))\n"
                                  "tell('any', lambda: direct('0.0.0.0', 4321))")
            self.assertEqual(self.lines(outcome), {"loopback": "ECONNREFUSED", "tunnel": "403", "any": "ECONNREFUSED"})

    def test_datagrams_and_raw_sockets(self):
        outcome = self.python("def udp():\n  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('%s', PORT))\n"
                              "tell('udp', udp)\ntell('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))\n"
                              "tell('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))" % PUBLIC)
        self.assertEqual(self.lines(outcome), {"udp": "ENETUNREACH", "raw": "EAFNOSUPPORT", "packet": "EAFNOSUPPORT"})
        self.assertEqual(self.denied(outcome)[f"sendto {PUBLIC}:{PORT} (udp)"], 1)

    def test_one_request_for_one_connection(self):
        """A second request on the same connection, to a host that is not listed, reaches nobody."""
        outcome = self.python(
            "peer, answer = connected(b'GET http://public.test:%d/first HTTP/1.1\\r\\nHost: public.test\\r\\n\\r\\n'\n"
            "  b'GET http://other.test:%d/second HTTP/1.1\\r\\nHost: other.test\\r\\n\\r\\n' % (PORT + 1, PORT + 1))\n"
            "while part := peer.recv(4096): answer += part\n"
            "print('pages', answer.count(b'HTTP/1.1 200'))", net=f"public.test:{PORT + 1}")
        self.assertEqual(self.lines(outcome), {"pages": "1"}, outcome)
        self.assertEqual([path for path, _ in Page.seen], ["/first"])

    def test_what_is_listed_and_not_there(self):
        outcome = self.python("tell('closed', lambda: tunnel('public.test:9'))\ntell('unknown', lambda: tunnel('nowhere.test:80'))",
                              net="public.test:9,nowhere.test:80")
        self.assertEqual(self.lines(outcome), {"closed": "502", "unknown": "502"})
        self.assertEqual(outcome["denials"], [])
        said = " ".join(outcome["warnings"])
        self.assertIn("connect public.test:9 (tcp) failed: Connection refused", said)
        self.assertIn("nowhere.test:80 (tcp) failed: the name does not resolve", said)

    def test_the_last_denial_is_told(self):
        for _ in range(10):
            outcome = self.python("peer = socket.create_connection(PROXY)\npeer.sendall(b'CONNECT other.test:1 HTTP/1.1\\r\\n\\r\\n')")
            self.assertEqual((outcome["network"]["denied"], self.denied(outcome)), (1, {"connect other.test:1 (tcp)": 1}))

    def test_hints_are_hosts_and_nothing_for_a_shell(self):
        names = ["`reboot`", "$(id)", "a;reboot", "0.0.0.0/0", "*", "-x", "a b", "Good.Test."]
        outcome = self.python("".join(f"tell('{n}', lambda: socks({name!r}, 80))\n" for n, name in enumerate(names)))
        self.assertEqual({row["hint"] for row in outcome["denials"]}, {"", "--net good.test:80"})

    def test_switched_off_there_is_no_list(self):
        outcome = self.python("tell('socks', lambda: socks('other.test'))", "--no-denials")
        self.assertEqual((outcome["denials"], outcome["network"]["denied"]), ([], 1))

    def test_a_flood_of_denials_is_counted_and_bounded(self):
        outcome = self.python("for n in range(3000):\n"
                              "  peer, answer = connected(b'CONNECT host%d.test:1 HTTP/1.1\\r\\n\\r\\n' % n); peer.close()\nprint('over 1')")
        self.assertEqual(self.lines(outcome), {"over": "1"})
        self.assertEqual(outcome["network"]["denied"], 3000)
        self.assertLessEqual(len(outcome["denials"]), 64)

    def test_garbage_to_the_proxy(self):
        outcome = self.python("import os\nkinds = [b'', b'\\0' * 100, b'\\x05', b'\\x05\\xff', b'GET / HTTP/1.1\\r\\n\\r\\n', b'GET ' + b'a' * 100000,\n"
                              "  b'CONNECT :0 HTTP/1.1\\r\\n\\r\\n', b'CONNECT a:99999 HTTP/1.1\\r\\n\\r\\n', b'\\x05\\x01\\x00\\x05\\x02\\x00\\x01', os.urandom(5000),\n"
                              "  b'CONNECT user:pass@public.test:8080 HTTP/1.1\\r\\n\\r\\n', b'GET ftp://public.test/ HTTP/1.1\\r\\n\\r\\n']\n"
                              "for kind in kinds * 5:\n  peer = socket.create_connection(PROXY)\n  try:\n"
                              "    peer.sendall(kind); peer.shutdown(socket.SHUT_WR)\n    while peer.recv(65536): pass\n  except OSError: pass\n"
                              "tell('after', lambda: tunnel(f'public.test:{PORT}'))")
        self.assertEqual(self.lines(outcome), {"after": "5:hello"}, outcome)


def proxies():
    """Process ids of proxies in this namespace, which are those of this test."""
    own = os.readlink("/proc/self/ns/net")
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = pathlib.Path(f"/proc/{process}/comm").read_text().strip()
            if name == "egress-proxy" and os.readlink(f"/proc/{process}/ns/net") == own:
                found.append(int(process))
        except OSError:
            pass
    return found


def wait_until(condition, patience=10):
    until = time.monotonic() + patience * SLOWNESS
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


class Ends(EgressCase):
    WAITS = (HEAD + "tell('before', lambda: direct('public.test'))\nprint('ready', flush=True)\nsys.stdin.readline()\n"
             "tell('direct', lambda: direct('public.test'))\ntell('tunnel', lambda: tunnel(f'public.test:{PORT}'))")

    def start(self, *options):
        self.write("main.py", self.WAITS)
        run = subprocess.Popen([sandpit_path(), "run", "--net", f"public.test:{PORT}", *options, "main.py"], cwd=self.dir, env=self.env,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.assertEqual(run.stdout.readline().split(), ["before", "5:hello"])
        self.assertEqual(run.stdout.readline(), "ready\n")
        return run

    def test_without_its_proxy_nothing_gets_through(self):
        if os.geteuid() != 0:
            self.skipTest("root: the proxy belongs to another user namespace")
        run = self.start()
        for process in proxies():
            os.kill(process, 9)
        self.assertTrue(wait_until(lambda: not proxies()))
        out, err = run.communicate("go\n", timeout=PATIENCE)
        self.assertEqual([line.split()[:2] for line in out.splitlines()], [["direct", "ECONNREFUSED"], ["tunnel", "ECONNREFUSED"]], err)
        self.assertIn("the proxy ended before the program", err)

    def test_it_ends_with_its_run(self):
        run = self.start()
        self.assertEqual(len(proxies()), 1)
        run.communicate("go\n", timeout=PATIENCE)
        self.assertTrue(wait_until(lambda: not proxies()), proxies())

    def test_it_ends_when_sandpit_is_killed(self):
        run = self.start()
        run.kill()
        self.assertTrue(wait_until(lambda: not proxies()), proxies())

    def test_it_ends_when_the_run_is_out_of_time(self):
        self.write("main.py", "import time; time.sleep(600)")
        outcome = self.outcome("main.py", "--net", f"public.test:{PORT}", "--timeout", seconds(1))
        self.assert_outcome(outcome, status="wall_time_exceeded")
        self.assertTrue(wait_until(lambda: not proxies()), proxies())

    def test_without_the_program_the_run_is_refused(self):
        if os.geteuid() != 0:
            self.skipTest("a directory that is not below the program's own")
        place = self.dir / "bare"
        place.mkdir()
        shutil.copy(sandpit_path(), place / "sandpit")
        self.write("main.py", "print(1)")
        done = self.sandpit("run", "--json", "--net", "public.test:80", "main.py", program=str(place / "sandpit"),
                            env={**self.env, "SANDPIT_EGRESS_PROXY": "/nonexistent", "SANDPIT_RUNTIMES_DIR": str(sandpit_tests.SOURCE / "runtimes")})
        self.assertEqual(done.returncode, 126, done.stderr)
        self.assertIn(b"egress-proxy", done.stdout + done.stderr)

    def test_the_run_does_not_hold_the_proxys_descriptors(self):
        outcome = self.program("main.sh", "ls -l /proc/self/fd /proc/1/fd 2>&1", "--net", f"public.test:{PORT}")
        self.assertEqual(outcome["stdout"].count("socket:"), 0, outcome["stdout"])


class Options(EgressCase):
    def test_mistakes_are_named(self):
        self.write("main.py", "print(1)")
        for value, said in (("http://a.test", "URL"), ("a.test:0", "port"), ("a.test:99999", "port"), ("a..b:1", "host name"),
                            ("10.0.0.0/99:1", "10.0.0.0/99"), ("none,a.test", ""), ("", "")):
            done = self.sandpit("run", "--net", value, "main.py")
            self.assertEqual(done.returncode, 2, (value, done.stdout, done.stderr))
            self.assertIn(b"--net", done.stderr, value)
            self.assertIn(said.encode(), done.stderr, value)

    def test_two_ways_to_say_it_in_one_file(self):
        self.write("main.py", "print(1)")
        self.write("sandbox.toml", '[security]\nenable_network = true\nnetwork = { mode = "none" }\n')
        done = self.sandpit("run", "--config", "sandbox.toml", "main.py")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"sandbox.toml:", done.stderr)
        self.assertIn(b"enable_network", done.stderr)

    def test_explain_shows_it(self):
        self.write("main.py", "print(1)")
        done = self.sandpit("run", "--explain", "--net", f"public.test:{PORT},10.0.0.0/8:5432", "main.py")
        plan = json.loads(done.stdout)
        self.assertEqual((plan["network"], plan["egress"]["hosts"]), ("allow", [f"public.test:{PORT}", "10.0.0.0/8:5432"]))

    def test_the_environment_can_be_overridden(self):
        outcome = self.program("main.sh", "echo $HTTPS_PROXY $https_proxy", "--net", "public.test:1", "--env", "HTTPS_PROXY=mine")
        self.assertEqual(outcome["stdout"], "mine http://127.0.0.1:3128\n")


def serve():
    if os.geteuid() == 0:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        threading.Thread(target=name_server, args=(server,), daemon=True).start()
    for address in ("127.0.0.1", PUBLIC, OTHER, PRIVATE):
        threading.Thread(target=echo, args=(socket.create_server((address, PORT)),), daemon=True).start()
        threading.Thread(target=sink, args=(socket.create_server((address, PORT + 2)), 0), daemon=True).start()
        threading.Thread(target=sink, args=(socket.create_server((address, PORT + 3)), 0.2), daemon=True).start()
        for port in (PORT + 1, 80):
            server = http.server.ThreadingHTTPServer((address, port), Page)
            threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    if sys.argv[1:2] != ["--as-user"]:
        try:
            own_internet()
        except OSError as error:
            print(f"SKIPPED: needs namespaces of its own: {error}")
            sys.exit(77)
        serve()
    sandpit_tests.main()
