//! Pools and nodes as they are shown. Pure.

use std::sync::Arc;

use crate::diagnosis::{self, Scene, World};
use crate::model::{AddressPool, ClusterNode};

/// MetalLB's pools; none where they cannot be seen.
pub(super) fn pools(scene: Scene<'_>) -> Option<Vec<AddressPool>> {
    let pools = scene.world.pools.as_ref()?;
    let shown = |(name, pool): (&Arc<str>, &diagnosis::Pool)| AddressPool {
        name: name.clone(),
        namespace: pool.namespace.clone(),
        addresses: pool.addresses.clone(),
        auto_assign: pool.auto_assign,
        protocols: diagnosis::protocols(name, pool, scene.world),
        usage: diagnosis::usage(pool, scene),
        findings: diagnosis::lint(name, pool, scene),
    };
    Some(pools.iter().map(shown).collect())
}

/// The nodes; none where they cannot be seen.
pub(super) fn nodes(world: &World) -> Option<Vec<ClusterNode>> {
    let shown = |(name, node): (&Arc<str>, &diagnosis::Node)| ClusterNode {
        name: name.clone(),
        internal_ips: node.internal_ips.clone(),
        external_ips: node.external_ips.clone(),
        host_names: node.names.clone(),
        pod_cidrs: node.pod_cidrs.clone(),
        ready: node.ready,
        excluded: node.is_excluded(),
    };
    Some(world.nodes.as_ref()?.iter().map(shown).collect())
}
