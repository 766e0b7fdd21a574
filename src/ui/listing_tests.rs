use super::super::sorting::{SortBy, Sorting};
use super::*;
use crate::diagram::testing::{host, ip, key, port, snapshot, tunnel, ui, up};
use crate::l10n::Lang;
use crate::model::{ListFilter, Moment, Protocol, ServiceType, TunnelState};

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
    let filtered = |filter| Wish {
        filter,
        ..Wish::default()
    };
    let open = filtered(ListFilter {
        light: Some(Light::Green),
        ..ListFilter::default()
    });
    assert_eq!(listed(&world, &open), ["default/ui port 80"]);
    let mut shop = filtered(ListFilter {
        namespace: Some("shop".to_owned()),
        ..ListFilter::default()
    });
    shop.query = "9153".to_owned();
    assert_eq!(listed(&world, &shop), ["shop/dns port 9153"]);
}

#[test]
fn services_of_other_types_are_listed_when_asked_for_or_tunnelled() {
    let mut inner = ui();
    inner.key = ServiceKey::new("shop", "inner");
    inner.service_type = ServiceType::ClusterIp;
    let mut world = snapshot(vec![ui(), inner.clone()], host(up()));
    assert_eq!(listed(&world, &Wish::default()), ["default/ui port 80"]);
    let mut more = Wish::default();
    more.filter.more_types = [ServiceType::ClusterIp].into();
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
    let mut grouped = Wish {
        grouped: true,
        ..Wish::default()
    };
    grouped.filter.folded = ["default".to_owned()].into();
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

/// What a list shows, in every way in which it is asked.
fn seen(rows: &Rows) -> Vec<String> {
    let mut seen: Vec<String> = rows
        .items()
        .iter()
        .map(|item| match item {
            Item::Group(group) => format!(
                "{} {} {} {:?}",
                group.key(),
                group.open,
                group.is_folded,
                rows.members(group).map(|row| &row.id).collect::<Vec<_>>()
            ),
            Item::Row(index) => {
                format!("{:?}", rows.get(*index).map(|row| (&row.id, &row.service)))
            }
        })
        .collect();
    for (index, row) in rows.shown().enumerate() {
        assert_eq!(rows.position(&row.id), Some(index));
        assert_eq!(rows.find(&row.id).map(|found| &found.id), Some(&row.id));
        let line = rows.line(&row.id).and_then(|line| rows.items().get(line));
        assert_eq!(line, Some(&Item::Row(index)));
    }
    seen.push(format!("{} {:?}", rows.total(), rows.namespaces()));
    seen
}

/// One more step of a cluster's life, chosen by `dice`.
fn step(world: &mut Snapshot, wish: &mut Wish, dice: u64) {
    let key = ServiceKey::new(
        ["a", "b", "shop"][(dice / 16 % 3) as usize],
        &format!("service-{}", dice / 64 % 7),
    );
    match dice % 16 {
        0..4 => {
            let mut service = ui();
            service.key = key;
            service.ports = [80, 81]
                .into_iter()
                .take((dice / 1024 % 3) as usize)
                .map(port)
                .collect();
            let services = &mut world.cluster.services;
            services.insert(service.key.clone(), Arc::new(service));
        }
        4 => {
            world.cluster.services.remove(&key);
        }
        5..8 => {
            let state = [
                TunnelState::Proving,
                TunnelState::Open {
                    since: Moment::START,
                },
            ];
            tunnel(world, &key, 80, state[(dice / 1024 % 2) as usize].clone());
        }
        8 => {
            let settings = Arc::make_mut(&mut world.settings);
            if !settings.favourites.remove(&key) {
                settings.favourites.insert(key);
            }
        }
        9 => wish.grouped = !wish.grouped,
        10 => wish.filter.folded = [key.namespace.to_string()].into(),
        11 => wish.query = ["", "service-1", "open"][(dice / 1024 % 3) as usize].to_owned(),
        12 => wish.filter.light = [None, Some(Light::Green)][(dice / 1024 % 2) as usize],
        13 => {
            wish.filter.namespace =
                [None, Some("shop".to_owned())][(dice / 1024 % 2) as usize].clone();
        }
        14 => {
            let by = [SortBy::Namespace, SortBy::Service, SortBy::State];
            wish.sorting = wish.sorting.clicked(by[(dice / 1024 % 3) as usize]);
        }
        _ => world.now = world.now + std::time::Duration::from_secs(1),
    }
}

proptest::proptest! {
    #[test]
    fn a_list_that_follows_is_the_list_made_anew(steps in proptest::collection::vec(0_u64..1 << 16, 1..60)) {
        let (mut world, mut wish) = (world(), Wish::default());
        let mut following = Rows::default();
        for dice in steps {
            step(&mut world, &mut wish, dice);
            following.update(&world, &wish);
            let mut fresh = Rows::default();
            fresh.update(&world, &wish);
            proptest::prop_assert_eq!(seen(&following), seen(&fresh));
        }
    }
}

#[test]
fn rows_of_services_that_stay_the_same_are_taken_over() {
    let mut world = world();
    let mut rows = Rows::default();
    rows.update(&world, &Wish::default());
    let place = |rows: &Rows, id: &RowId| rows.find(id).map(Row::searched_at);
    let of =
        |service: &str, port| RowId::Port(ServiceKey::new("shop", service), port, Protocol::Tcp);
    let (dns, api) = (of("dns", 9153), of("api", 80));
    let before = (place(&rows, &dns), place(&rows, &api));
    let mut changed = LbService::clone(&world.cluster.services[&ServiceKey::new("shop", "api")]);
    changed.pool = Some("another".to_owned());
    let changed = Arc::new(changed);
    world
        .cluster
        .services
        .insert(changed.key.clone(), Arc::clone(&changed));
    rows.update(&world, &Wish::default());
    assert_eq!(place(&rows, &dns), before.0, "its text was not made anew");
    let service = rows.find(&api).and_then(|row| row.service.clone());
    assert!(service.is_some_and(|service| Arc::ptr_eq(&service, &changed)));
}
