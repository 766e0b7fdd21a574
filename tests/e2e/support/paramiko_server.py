"""An SSH server by paramiko: prints its port, serves until its stdin ends.

Arguments: the folder with host_key*, home/.ssh/authorized_keys; then the methods that must succeed, one after the other.
"""

import glob
import os
import socket
import sys
import threading

import paramiko

PASSWORD = "correct horse"

folder, chain = sys.argv[1], sys.argv[2:] or ["publickey"]


def host_keys():
    for path in sorted(glob.glob(os.path.join(folder, "host_key[0-9]"))):
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            try:
                yield kind.from_private_key_file(path)
                break
            except paramiko.SSHException:
                continue


class Server(paramiko.ServerInterface):
    def __init__(self):
        self.left = list(chain)
        self.targets = {}
        self.is_proving = False

    def get_allowed_auths(self, username):
        # Asked when a result is sent: a key that was only offered has none, so this one was proved.
        if self.is_proving:
            self.is_proving = False
            self.left.pop(0)
        return self.left[0] if self.left else ""

    def verdict(self):
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL if len(self.left) > 1 else paramiko.AUTH_SUCCESSFUL

    def check_auth_password(self, username, password):
        if self.left[:1] != ["password"] or password != PASSWORD:
            return paramiko.AUTH_FAILED
        verdict = self.verdict()
        self.left.pop(0)
        return verdict

    def check_auth_publickey(self, username, key):
        with open(os.path.join(folder, "home/.ssh/authorized_keys")) as keys:
            good = any(line.split()[1] == key.get_base64() for line in keys if line.strip())
        if not good or self.left[:1] != ["publickey"]:
            return paramiko.AUTH_FAILED
        self.is_proving = len(self.left) > 1
        return self.verdict()

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        try:
            target = socket.create_connection(destination, timeout=10)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        # Several may be on their way: which of them is accepted next is told by its number.
        self.targets[chanid] = target
        threading.Thread(target=self.carry, daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def carry(self):
        channel = self.transport.accept(30)
        target = self.targets.pop(channel.get_id())
        target.settimeout(None)

        def up():
            while data := channel.recv(1 << 15):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

        threading.Thread(target=up, daemon=True).start()
        while data := target.recv(1 << 15):
            channel.sendall(data)
        channel.shutdown_write()


def serve(client, keys):
    transport = paramiko.Transport(client)
    for key in keys:
        transport.add_server_key(key)
    server = Server()
    server.transport = transport
    try:
        transport.start_server(server=server)
        transport.join()
    except (paramiko.SSHException, EOFError):
        pass


def main():
    keys = list(host_keys())
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, keys), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


main()
