"""Proxies on this machine: what starting one takes, and nginx and HAProxy in front of programs under test."""

import os
import pathlib
import shutil
import socket
import tempfile
import time

from programs import PATIENCE, Program, free_port


def find(program):
    """Debian puts daemons where only root looks."""
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def await_listening(port, program):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end or not program.running:
                raise AssertionError(f"no proxy listens:\n{program.output}") from None
            time.sleep(0.01)


def nginx_main(folder, inside):
    """The whole configuration around what belongs into the http context."""
    return f"""
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 15000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{inside}
}}
"""


class Proxy:
    """One of them, ended by its own process id. `config` makes its configuration of its folder and its port."""

    def __init__(self, name, config):
        self._folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        file = os.path.join(self._folder.name, "config")
        pathlib.Path(file).write_text(config(self._folder.name, self.port), encoding="ascii")
        arguments = {"nginx": ["-p", self._folder.name, "-c", file], "haproxy": ["-db", "-f", file]}[name]
        self._program = Program(find(name), *arguments)
        try:
            await_listening(self.port, self._program)
        except AssertionError:
            self._program.stop()
            raise

    def stop(self):
        self._program.stop()
        self._folder.cleanup()
