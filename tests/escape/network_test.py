"""Networks and sockets of the host."""

import socket
import subprocess
import threading
import uuid

from escape_case import Escape


class HostNetwork(Escape):
    def test_a_server_on_the_loopback(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            for mode in ("none", "loopback"):
                self.assert_contained("connect_loopback.py", port, options=["--net", mode])
            self.assert_real("connect_loopback.py", port)

    def test_the_hosts_network_is_there_when_granted(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            outcome = self.outcome(self.prepared("connect_loopback.py"), "--net", "host", arguments=[str(server.getsockname()[1])])
        self.assertIn("ESCAPED", outcome["stdout"], outcome)

    def test_an_abstract_socket(self):
        name = "sandpit-" + uuid.uuid4().hex
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("\0" + name)
            server.listen()
            self.assert_contained("abstract_socket.py", name)
            self.assert_real("abstract_socket.py", name)

    def unusual(self, family):
        self.assert_contained("unusual_sockets.py", family, options=["--net", "host"])
        self.assert_attempt("unusual_sockets.py", family, needs=f"a kernel with sockets of the family {family}", error="not supported")

    def test_netlink_sockets(self):
        self.unusual("netlink")

    def test_packet_sockets(self):
        self.unusual("packet")

    def test_raw_sockets(self):
        self.unusual("raw")

    def test_vsock_sockets(self):
        self.unusual("vsock")

    def test_crypto_sockets(self):
        self.unusual("alg")


class NetworkTricks(Escape):
    def test_the_metadata_address(self):
        self.assert_contained("metadata_address.py")
        self.assert_real("metadata_address.py", "--serve", within=["unshare", "--net"])

    def test_every_address_of_the_host(self):
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
            port = server.getsockname()[1]
            own = subprocess.run(["hostname", "-I"], stdout=subprocess.PIPE, check=False).stdout.decode().split()
            addresses = ["127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "localhost", *own]
            for mode in ("none", "loopback"):
                self.assert_contained("connect_any_address.js", port, *addresses, options=["--net", mode])
            self.assert_real("connect_any_address.js", port, *addresses)

    def test_by_a_shell_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.assert_attempt("connect_by_shell.sh", server.getsockname()[1])

    def test_a_name_server(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            asked = []

            def answer():
                while True:
                    query, peer = server.recvfrom(512)
                    if not query:
                        return
                    asked.append(query)
                    server.sendto(query, peer)
            thread = threading.Thread(target=answer)
            thread.start()
            port = server.getsockname()[1]
            try:
                for mode in ("none", "loopback"):
                    self.assert_contained("ask_name_server.py", "127.0.0.1", port, options=["--net", mode])
                self.assertEqual(asked, [])
                self.assert_real("ask_name_server.py", "127.0.0.1", port)
            finally:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                    last.sendto(b"", ("127.0.0.1", port))
                thread.join()

    def test_listening_for_the_host(self):
        for options in (["--net", "none"], ["--net", "loopback"], None):
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            program = self.background("listen_for_host.py", port, options=options)
            reached = False
            if program.stdout.readline() == b"listening\n":
                try:
                    socket.create_connection(("127.0.0.1", port), 2).close()
                    reached = True
                except OSError:
                    pass
            self.assertEqual(reached, options is None, options)
            program.kill()

    def test_packets_to_everybody(self):
        self.assert_attempt("send_broadcast.py", within=["unshare", "--net", "sh", "-c",
                                                         'ip link set lo up && ip route add default dev lo && exec "$@"', "sh"])
