# Hosts, the first run, and the questions that a connection asks.

question-unknown-host = Is this the right host?
question-passphrase = Passphrase of the private key
question-password = Password
question-interactive = The server asks
question-by = asked by { $hop }
question-wrong-passphrase = That passphrase was wrong.
question-wrong-password = That password was wrong.
question-field-passphrase = Passphrase
question-field-answer = Answer
question-host-key = This host's key is not known yet. Compare the fingerprint with one you got another way; whoever answers with a different key is not your host.
question-host = Host
question-key = Key
question-copy-fingerprint = Copy the fingerprint
question-known-as = You already know this very key as { $names }: most likely the host only changed its address.
question-trust = Trust this host
question-sudo = May Adit read this file as root?
question-sudo-why = The cluster's kubeconfig is there, but only root may read it. Adit can read it once with sudo; it is kept in memory only.
question-sudo-yes = Read it with sudo
