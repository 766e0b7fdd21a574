# Words that several parts of the window share.

app-name = Adit
copy-address-of = Copy the address of { $service }
copy-problem = Copy the problem
copy-finding = Copy: { $what }
try-again = Try again
cancel = Cancel
continue = Continue
none = none
open-url = Open { $url }

nav-services = Services
nav-map = Addresses
nav-hosts = Hosts
nav-settings = Settings

bar-search = Search
bar-search-name = Search services
bar-clear-search = Clear the search
bar-host = SSH host
bar-no-host = No SSH host
bar-no-host-hint = Add one: paste your ssh command, import it or fill it in.
bar-theme-system = Theme: as the system
bar-theme-light = Theme: light
bar-theme-dark = Theme: dark

cluster-off = no cluster
cluster-loading = loading
cluster-stopped = stopped
cluster-stop = Stop reading the cluster
cluster-live = live
cluster-stale = out of date
cluster-failed = failed
cluster-state = The view of the cluster: { $state }.

link-idle = idle
link-connecting = connecting
link-asks = asks you
link-up = connected
link-waiting = retrying
link-failed = failed
link-logged-in = logged in by { $way }
link-when-needed = Connected as soon as a tunnel needs it.
link-connecting-to = Connecting to { $hop }
link-question = A question waits for you.

status-ports = { $count ->
    [one] { $count } port
   *[other] { $count } ports
}
status-ports-of = { $shown } of { $count ->
    [one] { $count } port
   *[other] { $count } ports
}
status-open = { $count } open
status-on-the-way = { $count } on the way
status-need-you = { $count ->
    [one] { $count } needs you
   *[other] { $count } need you
}
notices-copy = Copy the notices
notices-close = Put the notices away
notices-before = { $text } (and { $count } before)
notices-ago = { $time } ago

time-moment = less than a minute
time-minutes = { $minutes } min
time-hours = { $hours } h { $minutes } min
time-seconds = { $seconds } s
rate-each-second = { $bytes }/s

close = Close
copied = Copied
