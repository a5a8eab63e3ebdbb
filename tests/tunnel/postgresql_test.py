"""psql through a WebSocket, to a real PostgreSQL on a Unix socket."""

import glob
import os
import subprocess
import tempfile
import unittest

from tunnels import LONG, Server, ordinary_user, port_to

ROWS = 200_000


def binaries():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        raise AssertionError("PostgreSQL is not installed")
    return found[-1]


class PostgreSql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        folder = temporary.name
        user = ordinary_user()
        identity = {}
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = f"{folder}/data"
        subprocess.run([f"{binaries()}/initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8",
                        "--locale", "C"], check=True, capture_output=True, timeout=LONG, cwd=folder, **identity)
        server = cls.enterClassContext(Server([f"{binaries()}/postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-F"],
                        f"{folder}/log", cwd=folder, **identity))
        server.wait_until(lambda: "ready to accept connections" in server.output())
        cls.port = cls.enterClassContext(port_to(f"unix:{folder}/.s.PGSQL.5432"))

    def psql(self, sql):
        return subprocess.run(["psql", "-X", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tester",
                               "-v", "ON_ERROR_STOP=1", "postgres"], input=sql, text=True, capture_output=True,
                              timeout=LONG)

    def test_queries_are_answered(self):
        done = self.psql("select 6 * 7; select 'größer';")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "42\ngrößer\n", ""))

    def test_errors_come_through(self):
        done = self.psql("select no_such_thing;")
        self.assertEqual(done.returncode, 3)
        self.assertIn("no_such_thing", done.stderr)

    def test_much_is_copied_in_and_out(self):
        lines = "".join(f"{i}\t{i * i} and some more text to make it long\n" for i in range(ROWS))
        done = self.psql("create table t (a int, b text);\ncopy t from stdin;\n" + lines + "\\.\n"
                         "select count(*) from t;\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines()[-1], str(ROWS))
        done = self.psql("copy (select * from t order by a) to stdout;")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout == lines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
