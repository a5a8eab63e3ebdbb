"""ssh through a WebSocket: a real sshd with throw-away keys, and ProxyCommand."""

import getpass
import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

from tunnels import LONG, PATIENCE, PIPE, Server, accepts, digest, random_file, websocket_to
from programs import free_port  # where tunnels has looked for its own

SSHD = "/usr/sbin/sshd"
CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""


class Ssh(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{cls.folder}/{name}"],
                           check=True, timeout=PATIENCE)
        port = free_port()
        configuration = pathlib.Path(cls.folder, "sshd_config")
        configuration.write_text(CONFIGURATION.format(port=port, folder=cls.folder))
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # where sshd's unprivileged child is locked in
        server = cls.enterClassContext(Server([SSHD, "-D", "-e", "-f", str(configuration)], f"{cls.folder}/sshd.log"))
        server.wait_until(lambda: accepts(port))
        cls.url = cls.enterClassContext(websocket_to(f"tcp:127.0.0.1:{port}"))

    def options(self):
        proxy = f"{shlex.quote(PIPE)} stdio {self.url}"
        return ["-F", "none", "-i", f"{self.folder}/user_key", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", f"ProxyCommand={proxy}"]

    def run_program(self, name, *arguments, **options):
        done = subprocess.run([name, *self.options(), *arguments], capture_output=True, timeout=LONG,
                              **{"stdin": subprocess.DEVNULL, **options})
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def host(self):
        return f"{getpass.getuser()}@tunnel.invalid"

    def test_a_command_runs(self):
        code, out, errors = self.run_program("ssh", self.host(), "echo there; cat >&2; exit 7",
                                             stdin=None, input=b"and back")
        self.assertEqual((code, out, errors), (7, b"there\n", "and back"))

    def test_64_mib_are_copied_there_and_back(self):
        original = random_file(f"{self.folder}/original", 64 << 20)
        code, _, errors = self.run_program("scp", original, f"{self.host()}:{self.folder}/copy")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(digest(f"{self.folder}/copy"), digest(original))

        with open(f"{self.folder}/back", "wb") as back:
            done = subprocess.run(["ssh", *self.options(), self.host(), f"cat {self.folder}/copy"],
                                  stdin=subprocess.DEVNULL, stdout=back, timeout=LONG)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(digest(f"{self.folder}/back"), digest(original))

    def test_several_sessions_share_the_door(self):
        command = ["ssh", *self.options(), self.host(), "cat"]
        sessions = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
        for i, session in enumerate(sessions):
            out, _ = session.communicate(b"session %d" % i, LONG)
            self.assertEqual((session.returncode, out), (0, b"session %d" % i))


if __name__ == "__main__":
    unittest.main(verbosity=2)
