# The address map.

map-title = Where the addresses are
map-you = This computer
map-you-about = It stands outside: none of the addresses on the other side means anything here. Only SSH leads through the wall.
map-through = By way of { $host }
map-no-doors = No tunnel is open.
map-wall = The addresses below mean nothing to this computer: only SSH leads there.
map-pools = MetalLB IPs
map-pools-about = MetalLB lends each LoadBalancer service one of these. A node announces it, but only within the nodes' own network.
map-no-pools = MetalLB has no pool of addresses.
map-nodes = Nodes
map-nodes-about = The machines' own addresses. A pool must hold none of them.
map-services = ClusterIPs
map-services-about = Every service has one. No machine has it: kube-proxy answers for it on each node, and nowhere else.
map-services-seen = { $count ->
    [one] From one ClusterIP that was seen.
   *[other] From { $count } ClusterIPs that were seen.
}
map-pods = Pod IPs
map-pods-about = Each pod has one of its own as long as it lives: a pod that is replaced gets another. Nodes alone route them.
map-pods-unknown = The nodes do not say which addresses their pods get.
map-unseen = You may not see this part of the cluster.
map-at-least = At least { $block }
map-outside = from outside { $ips }
map-not-ready = not ready
map-free = free
map-used = used
map-clash = clashes
map-used-by = used by { $services }
map-clash-node = the own address of node { $name }
map-clash-pods = belongs to the pods of { $name }
map-clash-service = the ClusterIP of { $name }
map-clash-pool = in the pool { $name }, too
map-not-announced = announced nowhere
map-on-request = only on request
map-no-range = { $text } is no range of addresses
map-range = { $range }: { $used } of { $count } used
map-range-vast = { $range }: { $used } used
map-more = and { $count } more
