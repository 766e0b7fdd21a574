# The details of a row, and the diagram.

details-close = Close the details
details-way = The way
details-open-browser = Open in browser
details-open = Open tunnel
details-close-tunnel = Close tunnel
details-copy-url = Copy the URL
details-would-be = It would be at { $local }.
details-use-port = Use port { $port }
details-route = Route
details-route-auto = Auto
details-route-name = Route { $route }
details-route-because = { $route }: { $reason }
details-route-planned = { $route }, as far as can be told before it is opened
details-route-none = No route yet: the service has nothing this needs

sentence-off = Closed. Nothing listens on this computer.
sentence-binding = Taking the local port { $local }.
sentence-resolving = Looking up the service's address.
sentence-dialing = Connecting to { $hop }.
sentence-asking = A question waits for you.
sentence-proving = Connected. Checking that the service answers.
sentence-open = Open for { $time }.
sentence-waiting = Not working. Adit tries again in { $time } (try { $attempt }).
sentence-waiting-cluster = Not working. Adit goes on when the cluster changes.
sentence-failed = Not working. It needs you.

facts-title = Facts
facts-metallb = MetalLB IP
facts-host-name = Host name
facts-pool = Pool
facts-announced-by = Announced by
facts-cluster-ip = ClusterIP
facts-pods = Pods
facts-class = Class
facts-ssh-host = SSH host
facts-server = Server
facts-cipher = Cipher
facts-traffic = Traffic
facts-connections = Connections
facts-connections-count = { $now } now, { $all } in all
facts-refused = Refused
facts-now = Now
facts-by-hand = The same by hand
facts-copy-command = Copy the ssh command

diagram-copied = Copied { $text }
diagram-copy-note = Copy: { $text }
diagram-note-hint = Click copies this
diagram-click-copies = Click copies { $text }

facts-kubectl = With kubectl
facts-copy-kubectl = Copy the kubectl commands
facts-local-port = Local port
facts-move = Move there

probe-start = Try every hop
probe-hint = Tries each hop on a connection of its own and says which one breaks, and why.
probe-cancel = Stop
probe-way = Try every hop of this way
probe-cancel-way = Stop trying the hops
probe-copy-step = Copy why this broke: { $step }

connections-title = Connections
connections-more = and { $count } more
events-title = Events
gaps-title = What you may not see
gaps-copy-role = Copy a role that would allow it

log-title = Log
log-detail = Everything
log-info = Info
log-warning = Warnings
log-error = Errors
log-cluster = cluster:{" "}
log-ago = { $time } ago
log-empty = Nothing to tell.

probe-running = Trying one hop after the other…
probe-works = Every hop works
probe-partly = Works by { $routes }, but not by every way
probe-broken = Broken here: { $hop }
probe-cancelled = Stopped
probe-close = Put the probe away
probe-copy = Copy what the probe found
probe-pods-left-out = { $count ->
    [one] One more ready pod was not tried.
   *[other] { $count } more ready pods were not tried.
}

save-copy = Copy as
save-save = Save as
save-svg = SVG drawing
save-png = PNG picture
save-mermaid = Mermaid
save-text = Text
save-done = Saved as { $path }
save-done-unasked = There is no dialog for files here (xdg-desktop-portal or zenity brings one), so it was saved as { $path }
save-copy-path = Copy the path
save-failed = Not saved: { $reason }
