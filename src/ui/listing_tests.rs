use super::*;
use crate::diagram::testing::{host, ip, key, port, snapshot, tunnel, ui, up};
use crate::model::{Moment, Protocol, TunnelState};

fn world() -> Snapshot {
    let mut dns = ui();
    dns.key = ServiceKey::new("shop", "dns");
    dns.load_balancer_ips = vec![ip("10.0.0.9")];
    dns.ports = vec![port(53), port(53), port(9153)];
    dns.ports[0].protocol = Protocol::Udp;
    let mut pending = ui();
    pending.key = ServiceKey::new("shop", "api");
    pending.load_balancer_ips.clear();
    snapshot(vec![ui(), dns, pending], host(up()))
}

fn listed(snapshot: &Snapshot, wish: &Wish) -> Vec<String> {
    let mut rows = Rows::default();
    rows.update(snapshot, wish);
    rows.shown()
        .map(|row| row.id.label(Lang::English))
        .collect()
}

fn shown(snapshot: &Snapshot, query: &str, sorting: Sorting) -> Vec<String> {
    let wish = Wish {
        query: query.to_owned(),
        sorting,
        ..Wish::default()
    };
    listed(snapshot, &wish)
}

#[test]
fn every_port_has_a_row_and_udp_is_not_hidden() {
    assert_eq!(
        shown(&world(), "", Sorting::default()),
        [
            "default/ui port 80",
            "shop/api port 80",
            "shop/dns port 53 UDP",
            "shop/dns port 53",
            "shop/dns port 9153"
        ]
    );
}

#[test]
fn a_search_looks_at_everything_shown() {
    let mut world = world();
    let open = TunnelState::Open {
        since: Moment::START,
    };
    tunnel(&mut world, &key(), 80, open);
    for (query, expected) in [
        ("UDP", vec!["shop/dns port 53 UDP"]),
        ("10.0.0.9 9153", vec!["shop/dns port 9153"]),
        ("127.0.0.1:8080", vec!["default/ui port 80"]),
        ("open", vec!["default/ui port 80"]),
        ("nothing like it", vec![]),
    ] {
        assert_eq!(
            shown(&world, query, Sorting::default()),
            expected,
            "{query}"
        );
    }
}

#[test]
fn headers_sort_and_sort_back() {
    let by = |by| Sorting {
        by,
        descending: false,
    };
    let world = world();
    assert_eq!(
        shown(&world, "80", by(SortBy::MetalLb)).last().unwrap(),
        "shop/api port 80",
        "what has no address comes last"
    );
    let ports = shown(&world, "", by(SortBy::Port).clicked(SortBy::Port));
    assert_eq!(ports[0], "shop/dns port 9153");
    assert_eq!(
        by(SortBy::Port).clicked(SortBy::Service),
        by(SortBy::Service)
    );
}

#[test]
fn a_tunnel_outlives_its_service() {
    let mut world = world();
    tunnel(
        &mut world,
        &ServiceKey::new("gone", "svc"),
        1,
        TunnelState::Off,
    );
    let rows = shown(&world, "", Sorting::default());
    assert_eq!(rows.last().unwrap(), "gone/svc port 1");
}

#[test]
fn filters_leave_what_was_asked_for() {
    let mut world = world();
    let open = TunnelState::Open {
        since: Moment::START,
    };
    tunnel(&mut world, &key(), 80, open);
    let open = Wish {
        light: Some(Light::Green),
        ..Wish::default()
    };
    assert_eq!(listed(&world, &open), ["default/ui port 80"]);
    let shop = Wish {
        namespace: Some("shop".to_owned()),
        query: "9153".to_owned(),
        ..Wish::default()
    };
    assert_eq!(listed(&world, &shop), ["shop/dns port 9153"]);
}

#[test]
fn services_of_other_types_are_listed_when_asked_for_or_tunnelled() {
    let mut inner = ui();
    inner.key = ServiceKey::new("shop", "inner");
    inner.service_type = ServiceType::ClusterIp;
    let mut world = snapshot(vec![ui(), inner.clone()], host(up()));
    assert_eq!(listed(&world, &Wish::default()), ["default/ui port 80"]);
    let more = Wish {
        more_types: [ServiceType::ClusterIp].into(),
        ..Wish::default()
    };
    let both = ["default/ui port 80", "shop/inner port 80"];
    assert_eq!(listed(&world, &more), both);
    tunnel(&mut world, &inner.key, 80, TunnelState::Proving);
    assert_eq!(listed(&world, &Wish::default()), both);
}

#[test]
fn favourites_stand_first_and_groups_fold() {
    let mut world = world();
    let mut settings = Settings::clone(&world.settings);
    settings.favourites.insert(ServiceKey::new("shop", "api"));
    world.settings = Arc::new(settings);
    let first = listed(&world, &Wish::default());
    assert_eq!(first[..2], ["shop/api port 80", "default/ui port 80"]);
    let grouped = Wish {
        grouped: true,
        folded: ["default".to_owned()].into(),
        ..Wish::default()
    };
    let mut rows = Rows::default();
    rows.update(&world, &grouped);
    let heads: Vec<_> = rows
        .items()
        .iter()
        .filter_map(|item| match item {
            Item::Group(group) => Some((group.key(), group.rows.len(), group.is_folded)),
            Item::Row(_) => None,
        })
        .collect();
    let head = |key: &str, rows, is_folded| (key.to_owned(), rows, is_folded);
    assert_eq!(
        heads,
        [
            head("*", 1, false),
            head("default", 1, true),
            head("shop", 3, false)
        ]
    );
    assert_eq!(rows.len(), 4, "what is folded away is not shown");
    let api = RowId::Port(ServiceKey::new("shop", "api"), 80, Protocol::Tcp);
    assert_eq!(rows.line(&api), Some(1));
}

#[test]
fn settings_keep_the_order_and_forget_what_they_do_not_know() {
    let by_pods = Sorting {
        by: SortBy::Pods,
        descending: true,
    };
    assert_eq!(
        Sorting::of_settings(by_pods.to_settings().as_ref()),
        by_pods
    );
    let unknown = ("colour".to_owned(), true);
    assert_eq!(Sorting::of_settings(Some(&unknown)), Sorting::default());
}
