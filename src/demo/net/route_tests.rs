use super::*;
use crate::demo::cluster::{Script, State, render};
use crate::demo::store::Store;

const NOW: i64 = 1_795_375_001;

fn objects(state: &State) -> Objects {
    let store = Store::new();
    store.apply(render(state));
    store.now().1
}

/// A verdict in a few words.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Api => "api".to_owned(),
        Verdict::App(app, place) => {
            let service = place.service.as_deref().unwrap_or("-");
            let workload = place.pod.rsplitn(3, '-').last().unwrap_or_default();
            format!("{app:?} {service} {workload} {}", place.port)
        }
        Verdict::Refused(_) => "refused".to_owned(),
        Verdict::Silence(_) => "silence".to_owned(),
    }
}

#[test]
fn addresses_answer_as_kube_proxy_has_them() {
    let objects = objects(&State::new(NOW));
    for (host, port, expected) in [
        ("10.0.0.241", 80, "Http default/ui ui 8080"),
        ("10.101.165.62", 80, "Http default/ui ui 8080"),
        ("10.0.0.101", 31126, "Http default/ui ui 8080"),
        ("k8s-worker-2", 31126, "Http default/ui ui 8080"),
        ("localhost", 31126, "Http default/ui ui 8080"),
        ("fd00:10:6::", 80, "Http shop/dual-stack dual 8080"),
        ("10.0.0.245", 80, "Http shop/api api 8080"),
        ("10.0.0.245", 50051, "Echo shop/api-grpc api 50051"),
        (
            "10.0.0.240",
            443,
            "Https ingress-nginx/ingress-nginx-controller ingress-nginx 8443",
        ),
        ("10.0.0.247", 7, "Echo lab/echo echo 7007"),
        ("10.0.8.100", 80, "Http monitoring/grafana grafana 3000"),
        ("10.0.7.4", 80, "Http shop/terminating edge 8080"),
        ("10.0.0.243", 53, "Echo shop/dns dns 5353"),
        ("10.0.0.100", 6443, "api"),
        ("10.96.0.1", 443, "api"),
        // No ready endpoint, or nothing that listens.
        ("10.0.0.244", 80, "refused"),
        ("10.0.0.246", 80, "refused"),
        ("10.0.0.249", 80, "refused"),
        ("10.0.0.101", 22, "refused"),
        ("nobody.example", 80, "refused"),
        // Dropped, or nobody there.
        ("203.0.113.64", 80, "silence"),
        ("10.0.0.241", 81, "silence"),
        ("10.0.0.239", 80, "silence"),
        ("192.0.2.1", 80, "silence"),
        ("10.0.5.12", 80, "silence"),
        // The pod of Grafana runs on the other worker.
        ("10.0.0.101", 32397, "Http monitoring/grafana grafana 3000"),
        ("10.0.0.102", 32397, "Http monitoring/grafana grafana 3000"),
        ("10.0.0.100", 32397, "silence"),
        // On the node's own network.
        ("10.0.0.102", 9100, "Http - node 9100"),
    ] {
        assert_eq!(
            told(&resolve(&objects, host, port)),
            expected,
            "{host}:{port}"
        );
    }
}

#[test]
fn every_ready_pod_of_a_service_gets_its_share_and_answers_itself() {
    let state = State::new(NOW);
    let objects = objects(&state);
    let mut pods = std::collections::BTreeMap::new();
    for _ in 0..200 {
        let Verdict::App(_, place) = resolve(&objects, "10.0.0.241", 80) else {
            panic!("10.0.0.241:80 does not answer");
        };
        pods.insert(place.pod, place.ip);
    }
    assert_eq!(pods.len(), 3);
    for (pod, ip) in pods {
        let Verdict::App(App::Http, place) = resolve(&objects, &ip, 8080) else {
            panic!("{ip} does not answer");
        };
        assert_eq!((place.pod, place.service), (pod, None));
        assert_eq!(told(&resolve(&objects, &ip, 8081)), "refused");
    }
}

#[test]
fn an_address_follows_the_service_that_has_it() {
    let mut state = State::new(NOW);
    let mut script = Script::default();
    let mut seen = Vec::new();
    for _ in 0..16 {
        let verdict = told(&resolve(&objects(&state), "10.0.5.11", 80));
        if seen.last() != Some(&verdict) {
            seen.push(verdict);
        }
        script.advance(&mut state, NOW);
    }
    assert_eq!(
        seen,
        [
            "Http shop/spring-sale sale 8080",
            "Http shop/summer-sale sale 8080",
            "Http shop/spring-sale sale 8080"
        ]
    );
}

#[test]
fn ranges_hold_what_they_should() {
    let host: IpAddr = "10.0.0.101".parse().unwrap();
    for (range, holds) in [
        ("10.0.0.0/24", true),
        ("10.0.0.101/32", true),
        ("0.0.0.0/0", true),
        ("10.0.1.0/24", false),
        ("::/0", false),
        ("10.0.0.0", false),
        ("10.0.0.0/33", false),
    ] {
        assert_eq!(in_range(range, host), holds, "{range}");
    }
}
