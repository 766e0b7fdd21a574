# The list of services and what stands in its cells.

column-service = Service
column-namespace = Namespace
column-port = Port
column-metallb = MetalLB IP
column-cluster-ip = ClusterIP
column-pods = Pods
column-local = Local address
column-state = State
list-sort-by = Sort by { $column }

state-off = Off
state-starting = Starting
state-binding = Binding
state-resolving = Looking up
state-dialing = Connecting
state-asking = Asks you
state-proving = Checking
state-open = Open
state-elsewhere = In another cluster
state-retry-in = Retry in { $time }
state-waiting = Waiting
state-not-tunnellable = Not tunnellable

row-port = { $service } port { $port }
row-forward = forward { $number }
row-not-tcp = Port { $port } is { $protocol }, and SSH carries TCP only.
row-no-port = This service has no port.
row-copy-address = Copy the local address
row-favourite = Make a favourite
cell-terminating = terminating
cell-pending = pending
cell-from-pool = from the pool { $pool }
cell-announced-by = announced by { $node } ({ $protocol })
cell-port-to = { $protocol } port { $port } → { $target }
cell-node-port = NodePort { $port }
pods-ready-of = { $ready } of { $all } ready
pods-none = No pod stands behind this service.
pods-more = and { $count } more
pod-node-unknown = node unknown
pod-not-ready = not ready

empty-off = No cluster is watched
empty-off-hint = Start Adit with a kubeconfig (KUBECONFIG, ~/.kube/config or --kubeconfig), or try it out with: adit demo
empty-loading = Reading the cluster
empty-loading-hint = The list appears as soon as it is complete.
empty-stop = Stop reading
empty-stopped = Reading the cluster was ended
empty-stopped-hint = Nothing is known of its services until it is read again.
empty-read-again = Read it again
empty-live = No LoadBalancer services
empty-others = { $count ->
    [one] List the one service of another type
   *[other] List the { $count } services of other types
}
empty-live-hint = The cluster has none that you may see. Adit lists a service as soon as one is made.
empty-stale = The cluster cannot be reached
empty-through = Reach it through { $host }
empty-failed = The cluster cannot be watched
empty-no-match = Nothing found
empty-no-match-hint = No service, address, pod or state holds "{ $query }".

column-switch = Switch
column-traffic = Traffic
cell-favourite = Favourite { $service }
cell-traffic = ↓ { $down } received, ↑ { $up } sent
list-columns = Columns
list-column-width = Width of { $column }
list-reset-columns = Reset the columns
list-group = Group by namespace
list-ungroup = No groups
empty-clear-filters = Clear the filters
empty-no-match-filter = No port passes the filters.

filter-all = All
filter-open = Open
filter-on-the-way = On the way
filter-need-you = Need you
filter-off = Off
filter-show = Show: { $filter }
filter-every-namespace = Every namespace
filter-types = Types
filter-types-hint = LoadBalancer services are always listed. Others can be listed too.

group-favourites = Favourites
group-no-namespace = Forwards
group-open-all = Open all
group-close-all = Close all
group-open-all-of = Open all of { $group }
group-close-all-of = Close all of { $group }

marked-count = { $count } marked
marked-open = Open { $count }
marked-close = Close { $count }
marked-favourite = Make favourites
marked-no-favourite = No favourites any more
marked-clear = Clear the marks

gaps-not-allowed = Not allowed to see { $count ->
    [one] { $names }
   *[other] { $count } kinds of things: { $names }
}
strip-copy-role = Copy a Role that would allow it
gaps-no-metallb = MetalLB is not in this cluster: services of type LoadBalancer wait for an address for ever.
gaps-close = Put this away
gaps-stale = What is shown may be out of date: { $reason }
group-name = Group { $group }
