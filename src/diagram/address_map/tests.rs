use super::*;
use crate::diagram::testing::{host, ip, snapshot, ui, up};
use crate::model::{LbService, Moment};

fn pool(name: &str, addresses: &[&str]) -> AddressPool {
    AddressPool {
        name: name.into(),
        addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
        auto_assign: true,
        ..AddressPool::default()
    }
}

fn node(name: &str, own: &str, pods: &str) -> ClusterNode {
    ClusterNode {
        name: name.into(),
        internal_ips: vec![ip(own)],
        pod_cidrs: vec![pods.to_owned()],
        ..ClusterNode::default()
    }
}

fn world(pools: Vec<AddressPool>) -> Snapshot {
    let sharing = LbService {
        key: ServiceKey::new("shop", "api"),
        cluster_ips: vec![ip("10.99.0.7")],
        ..ui()
    };
    let mut snapshot = snapshot(vec![ui(), sharing], host(up()));
    snapshot.cluster.nodes = Some(
        [
            node("n1", "10.0.0.100", "10.244.0.0/24"),
            node("n2", "10.0.0.103", "10.244.1.0/24"),
        ]
        .into(),
    );
    snapshot.cluster.pools = Some(pools.into());
    snapshot
}

/// `first-last state`, a line each.
fn told(range: &RangeMap) -> Vec<String> {
    range
        .slots
        .iter()
        .map(|slot| {
            let state = match &slot.state {
                SlotState::Free => "free".to_owned(),
                SlotState::Used(by) => format!("used {}", by.len()),
                SlotState::Clash { with, used_by } => format!("{with:?} {}", used_by.len()),
            };
            format!("{} {state}", slot.range)
        })
        .collect()
}

#[test]
fn each_address_of_a_pool_is_free_used_or_clashing() {
    let map = address_map(&world(vec![
        pool("first", &["10.0.0.240-10.0.0.250"]),
        pool("bad", &["10.0.0.99-10.0.0.104", "x"]),
        pool(
            "twice",
            &[
                "10.0.0.250-10.0.0.251",
                "10.244.0.254-10.244.1.1",
                "10.99.0.0/28",
            ],
        ),
    ]));
    let pools = map.pools.unwrap();
    assert_eq!(
        told(&pools[0].ranges[0]),
        [
            "10.0.0.240-10.0.0.240 free",
            "10.0.0.241-10.0.0.241 used 2",
            "10.0.0.242-10.0.0.249 free",
            "10.0.0.250-10.0.0.250 Pool(\"twice\") 0",
        ]
    );
    assert_eq!(
        (pools[0].ranges[0].count, pools[0].ranges[0].used),
        (Some(11), 1)
    );
    assert_eq!(
        told(&pools[1].ranges[0]),
        [
            "10.0.0.99-10.0.0.99 free",
            "10.0.0.100-10.0.0.100 Node(\"n1\") 0",
            "10.0.0.101-10.0.0.102 free",
            "10.0.0.103-10.0.0.103 Node(\"n2\") 0",
            "10.0.0.104-10.0.0.104 free",
        ]
    );
    assert_eq!(pools[1].ranges[1].count, None);
    assert_eq!(
        told(&pools[2].ranges[1]),
        [
            "10.244.0.254-10.244.0.255 Pods(\"n1\") 0",
            "10.244.1.0-10.244.1.1 Pods(\"n2\") 0",
        ]
    );
    assert_eq!(told(&pools[2].ranges[2]).len(), 3);
}

#[test]
fn large_pools_and_those_at_the_end_of_all_addresses_stay_small() {
    let map = address_map(&world(vec![pool(
        "wide",
        &[
            "10.0.0.0/8",
            "0.0.0.0/0",
            "::/0",
            "ffff::/16",
            "255.255.255.0/24",
        ],
    )]));
    let ranges = &map.pools.unwrap()[0].ranges;
    assert_eq!(ranges[0].count, Some(1 << 24));
    assert!(
        ranges.iter().all(|range| range.slots.len() < 20),
        "{ranges:?}"
    );
    assert_eq!(ranges[2].count, Some(u128::MAX));
    for range in ranges {
        let (first, last) = (&range.slots[0], range.slots.last().unwrap());
        let whole: AddressRange = range.text.parse().unwrap();
        assert_eq!(
            (first.range.first(), last.range.last()),
            (whole.first(), whole.last())
        );
    }
}

#[test]
fn blocks_are_as_small_as_what_is_seen_allows_and_unknown_is_not_none() {
    let map = address_map(&world(Vec::new()));
    assert_eq!(map.node_blocks, ["10.0.0.100/30"]);
    assert_eq!(map.service_blocks, ["10.96.0.0/12"]);
    assert_eq!(map.cluster_ips, 2);
    assert_eq!(
        map.pod_blocks.unwrap()[1],
        ("10.244.1.0/24".to_owned(), "n2".into())
    );
    let nothing = address_map(&Snapshot::default());
    assert_eq!(nothing, AddressMap::default());
}

#[test]
fn open_tunnels_are_doors() {
    let open = TunnelState::Open {
        since: Moment::START,
    };
    let map = address_map(&crate::diagram::testing::ui_in(open));
    assert_eq!(map.doors.len(), 1);
    assert_eq!(map.doors[0].local, "127.0.0.1:8080");
    assert_eq!(map.doors[0].destination, "10.0.0.241:80");
    assert!(
        address_map(&crate::diagram::testing::ui_in(TunnelState::Proving))
            .doors
            .is_empty()
    );
}
