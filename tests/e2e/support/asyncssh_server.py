"""An SSH server by asyncssh: prints its port, serves until its stdin ends.

Arguments: the folder with host_key*, home/.ssh/authorized_keys; then what is switched on: "keys", "password", "interactive",
"narrow": the first connection opens two channels and has no room for more, and "impatient": it takes no key, and hangs up without
a word at the second.
"""

import asyncio
import glob
import os
import sys

import asyncssh

PASSWORD = "correct horse"
CODE = "123456"

folder, switches = sys.argv[1], sys.argv[2:]


class Server(asyncssh.SSHServer):
    connections = 0

    def connection_made(self, conn):
        self.conn = conn
        Server.connections += 1
        self.keys = 0
        self.room = 2 if "narrow" in switches and Server.connections == 1 else None

    def begin_auth(self, username):
        if "keys" in switches:
            self.conn.set_authorized_keys(os.path.join(folder, "home/.ssh/authorized_keys"))
        return True

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        if self.room == 0:
            print("no room", file=sys.stderr, flush=True)
            raise asyncssh.ChannelOpenError(asyncssh.constants.OPEN_RESOURCE_SHORTAGE, "no room")
        if self.room:
            self.room -= 1
        return True

    def public_key_auth_supported(self):
        return "impatient" in switches

    def validate_public_key(self, username, key):
        self.keys += 1
        if self.keys == 2:
            self.conn.abort()
        return False

    def password_auth_supported(self):
        return "password" in switches

    def validate_password(self, username, password):
        return password == PASSWORD

    def kbdint_auth_supported(self):
        return "interactive" in switches

    def get_kbdint_challenge(self, username, lang, submethods):
        return "Two factors", "Both are needed.", "", [("Password:", False), ("Code:", True)]

    def validate_kbdint_response(self, username, responses):
        return list(responses) == [PASSWORD, CODE]


async def main():
    server = await asyncssh.create_server(
        Server,
        "127.0.0.1",
        0,
        server_host_keys=sorted(glob.glob(os.path.join(folder, "host_key[0-9]"))),
        encryption_algs=[
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "chacha20-poly1305@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
        ],
    )
    print(server.get_port(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
