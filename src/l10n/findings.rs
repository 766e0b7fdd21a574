//! What was found out about a service, in a person's language.
//!
//! A finding's own words are English and name what they are about. In Korean its code is told first, and its own words stay beside it as
//! the particulars.

use super::Lang;
use crate::model::Finding;

/// A finding as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What is the case.
    pub what: String,
    /// What to do.
    pub next: String,
    /// The particulars, where `what` does not name them.
    pub particulars: Option<String>,
}

impl Lang {
    /// A finding in words.
    #[must_use]
    pub fn finding(self, finding: &Finding) -> Told {
        let translated = match self {
            Self::English => None,
            Self::Korean => korean(finding.code),
        };
        match translated {
            Some((what, next)) => Told {
                what: what.to_owned(),
                next: next.to_owned(),
                particulars: Some(finding.message.clone()),
            },
            None => Told {
                what: finding.message.clone(),
                next: finding.hint.clone(),
                particulars: None,
            },
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one arm for each code")]
fn korean(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "metallb-missing" => (
            "클러스터에 MetalLB가 없어 주소를 줄 곳이 없습니다.",
            "MetalLB를 설치하고 IPAddressPool을 만드세요.",
        ),
        "controller-down" => (
            "MetalLB controller가 실행 중이 아니라 주소를 주지 못합니다.",
            "metallb-system의 controller 파드를 확인하세요.",
        ),
        "speaker-down" => (
            "주소를 알릴 MetalLB speaker가 실행 중이 아닙니다.",
            "metallb-system의 speaker 파드를 확인하세요.",
        ),
        "no-pool" => (
            "MetalLB에 주소 풀이 하나도 없습니다.",
            "IPAddressPool을 만드세요.",
        ),
        "no-pool-of-family" => (
            "이 서비스가 쓰는 IP 버전의 주소 풀이 없습니다.",
            "그 IP 버전의 IPAddressPool을 만들거나, 서비스의 ipFamilies를 바꾸세요.",
        ),
        "pool-exhausted" => (
            "풀의 주소를 모두 다른 서비스가 쓰고 있습니다.",
            "풀을 넓히거나, 쓰지 않는 서비스를 지우거나, 주소를 공유하세요.",
        ),
        "pool-used-up" => (
            "이 풀에는 빈 주소가 없습니다.",
            "풀을 넓히거나 쓰지 않는 서비스를 지우세요.",
        ),
        "auto-assign-off" => (
            "주소가 남은 풀은 자동 할당(autoAssign)이 꺼져 있습니다.",
            "서비스에서 풀을 이름으로 지정하거나 autoAssign을 켜세요.",
        ),
        "namespace-not-selected" => (
            "풀이 이 네임스페이스의 서비스를 받지 않습니다.",
            "풀의 serviceAllocation에 네임스페이스를 추가하세요.",
        ),
        "service-not-selected" => (
            "풀의 서비스 선택자가 이 서비스를 고르지 않습니다.",
            "서비스의 라벨이나 풀의 serviceSelectors를 맞추세요.",
        ),
        "ip-outside-pools" => (
            "요청한 주소가 어느 풀에도 들지 않습니다.",
            "풀 안의 주소를 요청하거나 풀을 넓히세요.",
        ),
        "ip-in-use" => (
            "요청한 주소를 이미 다른 서비스가 쓰고 있습니다.",
            "다른 주소를 요청하거나, 같은 공유 키로 주소를 함께 쓰세요.",
        ),
        "wrong-family" => (
            "요청한 주소의 IP 버전이 서비스와 맞지 않습니다.",
            "서비스의 ipFamilies에 맞는 주소를 요청하세요.",
        ),
        "unknown-pool" | "pool-gone" => (
            "지정한 풀이 없습니다.",
            "풀 이름을 확인하거나 그 이름의 IPAddressPool을 만드세요.",
        ),
        "pool-mismatch" => (
            "요청한 주소와 요청한 풀이 서로 맞지 않습니다.",
            "그 풀 안의 주소를 요청하거나 풀 지정을 빼세요.",
        ),
        "both-requests" => (
            "주소를 두 가지 방법으로 동시에 요청했습니다.",
            "spec.loadBalancerIP와 애너테이션 가운데 하나만 쓰세요.",
        ),
        "bad-request" => (
            "요청한 주소를 읽을 수 없습니다.",
            "IP 주소를 올바르게 적으세요.",
        ),
        "deprecated-annotation" => (
            "더 이상 권장하지 않는 애너테이션을 씁니다.",
            "metallb.io로 시작하는 이름으로 바꾸세요.",
        ),
        "sharing-key-clash" => (
            "주소를 공유하려는 서비스들의 공유 키가 다릅니다.",
            "allow-shared-ip 값을 같게 하세요.",
        ),
        "port-clash" => (
            "주소를 공유하는 다른 서비스가 같은 포트를 쓰고 있습니다.",
            "포트를 바꾸거나 다른 주소를 쓰세요.",
        ),
        "shared-with-selectors" => (
            "externalTrafficPolicy가 Local인 서비스는 선택자가 같을 때만 주소를 공유할 수 있습니다.",
            "정책을 Cluster로 바꾸거나 주소를 따로 쓰세요.",
        ),
        "other-class" => (
            "loadBalancerClass가 MetalLB의 것이 아니라 MetalLB가 다루지 않습니다.",
            "loadBalancerClass를 맞추어 서비스를 새로 만드세요 (나중에 바꿀 수 없습니다).",
        ),
        "invalid-config" => (
            "MetalLB의 설정이 잘못되어 새 설정을 받아들이지 않습니다.",
            "잘못된 항목을 고치세요.",
        ),
        "servicelb-fights" => (
            "k3s의 ServiceLB도 이 서비스를 다루고 있어 서로 부딪칩니다.",
            "k3s를 --disable servicelb로 시작하세요.",
        ),
        "allocation-failed" => (
            "MetalLB가 주소를 주지 못했습니다.",
            "서비스의 이벤트를 확인하세요.",
        ),
        "announce-failed" => (
            "MetalLB가 주소를 알리지 못했습니다.",
            "서비스의 이벤트를 확인하세요.",
        ),
        "no-advertisement" | "pool-not-advertised" => (
            "이 풀을 알리는 L2Advertisement나 BGPAdvertisement가 없습니다.",
            "풀을 알리는 L2Advertisement 또는 BGPAdvertisement를 만드세요.",
        ),
        "no-node-selected" => (
            "주소를 알릴 노드가 하나도 선택되지 않았습니다.",
            "Advertisement의 nodeSelectors를 확인하세요.",
        ),
        "nodes-excluded" => (
            "주소를 알릴 수 있는 노드가 모두 외부 로드밸런서에서 제외되어 있습니다.",
            "노드의 exclude-from-external-load-balancers 라벨을 확인하세요.",
        ),
        "nodes-unavailable" => (
            "주소를 알릴 수 있는 노드가 준비되지 않았습니다.",
            "노드의 상태를 확인하세요.",
        ),
        "bgp-down" => (
            "BGP 세션이 맺어지지 않았습니다.",
            "BGPPeer 설정과 라우터를 확인하세요.",
        ),
        "no-ready-endpoints" => (
            "서비스 뒤에 준비된 파드가 없습니다.",
            "선택자와 파드의 상태, 로그를 확인하세요.",
        ),
        "no-local-pod" | "local-policy" => (
            "externalTrafficPolicy가 Local이라, 준비된 파드가 있는 노드에서만 응답합니다.",
            "정책을 Cluster로 바꾸거나 그 노드를 SSH 호스트로 쓰세요.",
        ),
        "source-ranges" => (
            "loadBalancerSourceRanges가 접속할 수 있는 주소를 제한합니다.",
            "SSH 호스트의 주소를 허용하거나 ClusterIP 경로를 고르세요.",
        ),
        "no-cluster-ip" => ("서비스에 ClusterIP가 없습니다.", "다른 경로를 고르세요."),
        "udp-not-tunnellable" => (
            "UDP 포트는 SSH로 나를 수 없습니다.",
            "TCP 포트만 터널로 열 수 있습니다.",
        ),
        "pool-bad-range" => (
            "풀의 주소 범위를 읽을 수 없습니다.",
            "범위를 올바르게 적으세요.",
        ),
        "pool-has-node-ip" => (
            "풀에 노드의 주소가 들어 있습니다.",
            "노드의 주소를 범위에서 빼세요.",
        ),
        "pool-outside-subnets" => (
            "L2로 알리는 풀이 어느 노드의 서브넷에도 들지 않습니다.",
            "노드의 서브넷 안의 주소를 쓰거나 BGP로 알리세요.",
        ),
        "pool-overlaps-pods" => (
            "풀이 파드 주소 범위와 겹칩니다.",
            "겹치지 않는 범위를 쓰세요.",
        ),
        "pool-overlaps-services" => (
            "풀이 서비스 주소 범위와 겹칩니다.",
            "겹치지 않는 범위를 쓰세요.",
        ),
        "pool-overlaps-pool" => ("다른 풀과 주소 범위가 겹칩니다.", "겹치지 않게 나누세요."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;

    #[test]
    fn a_finding_keeps_its_particulars_in_korean() {
        let finding = Finding {
            code: "pool-exhausted",
            severity: Severity::Error,
            message: "No address is left in first-pool.".to_owned(),
            hint: "Widen the pool.".to_owned(),
        };
        let english = Lang::English.finding(&finding);
        assert_eq!(
            (english.what.as_str(), english.particulars),
            ("No address is left in first-pool.", None)
        );
        let korean = Lang::Korean.finding(&finding);
        assert_eq!(
            korean.particulars.as_deref(),
            Some("No address is left in first-pool.")
        );
        assert!(korean.what.contains('풀'));
        let unknown = Finding {
            code: "of-a-later-release",
            ..finding
        };
        assert_eq!(Lang::Korean.finding(&unknown).what, unknown.message);
    }
}
