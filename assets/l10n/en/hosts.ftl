# Hosts, the first run, and the questions that a connection asks.

question-unknown-host = Is this the right host?
question-passphrase = Passphrase of the private key
question-password = Password
question-interactive = The server asks
question-by = asked by { $hop }
question-for = to log in to { $hop }
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
hosts-title = SSH hosts
hosts-add = Add a host
hosts-none = No host is known yet.
hosts-back = Back
hosts-save = Save
hosts-save-and-open = Save and open
hosts-test = Test
hosts-edit = Edit
hosts-remove = Remove
hosts-test-name = Test { $host }
hosts-edit-name = Edit { $host }
hosts-remove-name = Remove { $host }
hosts-edit-title = Change a host
hosts-this-run = (from the command line, not saved)
hosts-kept-in-keyring = It is kept in the keyring of this computer. No secret is in it; passphrases are asked for.
hosts-kept-for-this-run = There is no keyring to keep it in: it is known until Adit ends.
hosts-kept-once-unlocked = It is kept in the keyring of this computer, which asks for its password first. No secret is in it.
keyring-opening = The keyring is being opened; your desktop may be asking for its password.
keyring-locked = The keyring is locked: hosts that are saved in it may be missing here, and new ones last until Adit ends.
keyring-unlock = Unlock it …
keyring-absent = There is no keyring ({ $reason }): hosts that were saved may be missing here, and new ones last until Adit ends.
keyring-look = Look again
hosts-remove-words = { $count ->
    [0] Its remembered secrets are forgotten, too.
    [one] One open tunnel is closed, and its remembered secrets are forgotten, too.
   *[other] { $count } open tunnels are closed, and its remembered secrets are forgotten, too.
}
hosts-remove-yes = Remove it
hosts-remove-no = Keep it
welcome-title = Reach your cluster's services from here
welcome-words = Adit opens the LoadBalancer services of your cluster on this computer, through SSH. All it takes is a host that you can log in to, best a node of the cluster.
welcome-demo-words = Nothing at hand? See how it works on a small cluster that Adit brings along:
welcome-demo = Try it out
way-paste = Paste your ssh command
way-paste-words = The ssh -L … that you use today: its host is kept, its forwards become tunnels
way-import = Import from ~/.ssh/config
way-import-words = Tick the hosts that you want; Adit goes on following that file
way-fill = Fill in a host
way-fill-words = An address, a user and a private key, as the .pem of an EC2 instance
paste-field = ssh command
paste-hint = Paste the whole command: options, several -L, -J and line breaks are understood.
paste-problem = Not understood yet: { $problem }.
paste-forwards = Forwards
paste-no-forwards = none: the host alone is kept
host-name = Name
host-address = Host
host-user = User
host-port = Port
host-key = Private key
host-jumps = Through
host-options = Options
host-jumps-hint = jump hosts, nearest first
host-key-default = as ssh chooses: ~/.ssh and ssh-agent
host-pick-key = Choose …
host-no-dialog = There is no dialog for files here (xdg-desktop-portal or zenity brings one). Type the path.
cluster-choice = Cluster
cluster-on-host = the one of a kubeconfig on this host
cluster-here = the one of a kubeconfig on this computer
cluster-file = Kubeconfig
cluster-on-host-hint = empty: looked for where clusters keep it
cluster-here-hint = empty: as kubectl finds it
cluster-context = Context
cluster-context-hint = empty: the current one
cluster-through = Reach its API through this host
fill-hint = What is left empty is as ~/.ssh/config has it.
import-none = { $file } names no host.
import-words = The hosts of { $file }:
import-via = through { $hosts }
import-known = saved already
import-forwards = { $count ->
    [one] its forward is opened
   *[other] its { $count } forwards are opened
}
import-add = { $count ->
    [one] Add one host
   *[other] Add { $count } hosts
}
key-fix = Fix it: chmod { $mode }
key-fix-list = Fix it: keep it to yourself
key-use-instead = Use the private key
test-cancel = Stop
test-works = This host works.
test-cancelled = Stopped.
key-changed = The host's key has changed
key-changed-offered = It shows
key-changed-held = Known so far
key-changed-where = in { $place }
key-changed-words = Nothing was sent. Somebody may be listening in, or the host was installed anew. Ask whoever runs it. Only once they confirm the new key, forget the old one:
key-changed-copy = Copy the command
question-remember = Remember in the keyring
question-was-refused = The one in the keyring was not accepted.
empty-add-host = Add a host
empty-read-from = Read it from { $host }
hosts-working = Working on it …
