//! Faults in a person's language.
//!
//! The English words are the command line's, in `model`. The Korean ones stand here rather than in a file of texts, so that the compiler
//! finds a fault that has none.

use super::{Lang, josa};
use crate::model::{
    Fault, FaultCause, Hop, HostKeyRefusal, SshPhase, Words, algorithm_option, asks_a_person,
    host_key_file, quoted, shell_quoted, without_stop,
};

impl Lang {
    /// What happened and where, in a sentence without a full stop.
    #[must_use]
    pub fn fault(self, fault: &Fault) -> String {
        match self {
            Self::English => fault.to_string(),
            Self::Korean => without_stop(&what(fault)).to_owned(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next_step(self, fault: &Fault) -> String {
        match self {
            Self::English => fault.next_step(),
            Self::Korean => next(fault),
        }
    }

    /// The fault in a word or two, for the list.
    #[must_use]
    pub fn fault_name(self, cause: &FaultCause) -> String {
        match self {
            Self::English => cause.code().replace('-', " "),
            Self::Korean => name(cause).to_owned(),
        }
    }
}

fn hop(hop: &Hop) -> String {
    match hop {
        Hop::Local => "이 컴퓨터".to_owned(),
        Hop::Cluster => "클러스터".to_owned(),
        other => other.to_string(),
    }
}

const fn name(cause: &FaultCause) -> &'static str {
    match cause {
        FaultCause::PortInUse { .. } => "포트 사용 중",
        FaultCause::BindFailed { .. } => "포트 열기 실패",
        FaultCause::NameNotFound { .. } => "이름 찾기 실패",
        FaultCause::ConnectRefused => "연결 거부됨",
        FaultCause::ConnectReset => "연결 끊김",
        FaultCause::ConnectTimedOut { .. } => "연결 시간 초과",
        FaultCause::ConnectFailed { .. } => "연결 실패",
        FaultCause::TooManyFiles => "열 수 있는 파일 없음",
        FaultCause::HandshakeFailed { .. } => "SSH 시작 실패",
        FaultCause::NoCommonAlgorithm { .. } => "맞는 알고리즘 없음",
        FaultCause::NextHopUnreachable { .. } => "다음 호스트 연결 불가",
        FaultCause::NextHopForbidden { .. } => "경유 금지됨",
        FaultCause::KnownHostsUnreadable { .. } => "known_hosts 읽기 실패",
        FaultCause::HostKeyUnknown { .. } => "모르는 호스트 키",
        FaultCause::HostKeyChanged(_) => "호스트 키 바뀜",
        FaultCause::HostKeyRefused { .. } => "호스트 키 거절됨",
        FaultCause::KeyUnreadable { .. } => "키 읽기 실패",
        FaultCause::KeyPermissions { .. } => "키 권한이 느슨함",
        FaultCause::KeyFormat { .. } => "키 형식 오류",
        FaultCause::PassphraseRefused { .. } => "키 잠금 해제 안 됨",
        FaultCause::AuthRejected { .. } => "로그인 거절됨",
        FaultCause::NothingToAuthenticateWith { .. } => "로그인할 방법 없음",
        FaultCause::ForwardingProhibited => "포워딩 금지됨",
        FaultCause::TargetRefused => "대상이 거부함",
        FaultCause::TargetTimedOut { .. } => "대상 응답 없음",
        FaultCause::TargetHungUp => "대상이 바로 끊음",
        FaultCause::ServerExhausted => "서버 채널 부족",
        FaultCause::ForwardingUnsupported => "포워딩 지원 안 됨",
        FaultCause::SessionLost { .. } => "SSH 연결 끊김",
        FaultCause::ServiceMissing { .. } => "서비스 없음",
        FaultCause::PortMissing { .. } => "포트 없음",
        FaultCause::NotTcp { .. } => "TCP 아님",
        FaultCause::RouteUnavailable { .. } => "경로 없음",
        FaultCause::NoCluster => "클러스터 없음",
        FaultCause::ClusterUnavailable { .. } => "클러스터 응답 없음",
        FaultCause::Config { .. } => "설정 오류",
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one arm for each cause")]
fn what(fault: &Fault) -> String {
    let at = hop(&fault.hop);
    match &fault.cause {
        FaultCause::PortInUse {
            address,
            holder: Some(holder),
            ..
        } => format!(
            "{address} 주소는 이미 {} 프로그램이 쓰고 있습니다 (프로세스 {})",
            holder.name, holder.pid
        ),
        FaultCause::PortInUse { address, .. } => {
            format!("{address} 주소는 이미 다른 프로그램이 쓰고 있습니다")
        }
        FaultCause::BindFailed { address, reason } => {
            format!("{address}에서 기다릴 수 없습니다: {}", ko(reason))
        }
        FaultCause::NameNotFound { host, reason } => {
            format!(
                "이름 {} 찾을 수 없습니다: {}",
                josa::with(host, "을/를"),
                ko(reason)
            )
        }
        FaultCause::ConnectRefused => format!("{} 연결을 거부했습니다", josa::with(&at, "이/가")),
        FaultCause::ConnectReset => format!("{at}에 연결하자마자 끊겼습니다 (reset)"),
        FaultCause::ConnectTimedOut { after } => format!(
            "{} {}초 안에 응답하지 않았습니다",
            josa::with(&at, "이/가"),
            after.as_secs()
        ),
        FaultCause::ConnectFailed { reason } => {
            format!("{at}에 연결할 수 없습니다: {}", ko(reason))
        }
        FaultCause::TooManyFiles => format!(
            "{at}에 연결할 수 없습니다: 이 컴퓨터에서 Adit가 파일과 소켓을 더 열 수 없습니다"
        ),
        FaultCause::HandshakeFailed { phase, reason } => {
            let with = josa::with(&at, "과/와");
            let reason = ko(reason);
            match phase {
                SshPhase::Greeting => format!("{with} SSH를 시작하지 못했습니다: {reason}"),
                SshPhase::KeyExchange => format!("{with} 키를 교환하지 못했습니다: {reason}"),
                SshPhase::Login => format!("{at}에 로그인을 마치지 못했습니다: {reason}"),
            }
        }
        FaultCause::NoCommonAlgorithm { kind, ours, theirs } => format!(
            "{} 키를 교환하지 못했습니다: 함께 쓸 {} 알고리즘이 없습니다. 이쪽: {}, 서버: {}",
            josa::with(&at, "과/와"),
            algorithm_kind(kind),
            list(ours),
            list(theirs)
        ),
        FaultCause::NextHopUnreachable { next } => {
            format!("경유 호스트 {at}에서 {next}에 연결할 수 없습니다: 거부되었거나 길이 없습니다")
        }
        FaultCause::NextHopForbidden { next } => {
            format!(
                "경유 호스트 {} {} 가는 것을 금지합니다",
                josa::with(&at, "이/가"),
                josa::with(&next.to_string(), "으로/로")
            )
        }
        FaultCause::KnownHostsUnreadable { path, reason } => format!(
            "{at}의 호스트 키를 확인할 수 없습니다. {} 파일을 읽을 수 없습니다: {}",
            path.display(),
            ko(reason)
        ),
        FaultCause::HostKeyUnknown {
            key_type,
            fingerprint,
            known_as,
        } => {
            let words = format!(
                "{at}의 {key_type} 키는 모르는 키이고 받아들이지 않았습니다 ({fingerprint})"
            );
            if known_as.is_empty() {
                words
            } else {
                format!(
                    "{words}. known_hosts에는 같은 키가 {}의 키로 있습니다",
                    list(known_as)
                )
            }
        }
        FaultCause::HostKeyChanged(changed) => format!(
            "{at}의 호스트 키가 바뀌었습니다: 지금은 {} {}인데 {} {}번째 줄에는 {} 있습니다. 누군가 엿듣고 있을 수 있습니다. 또는 호스트를 \
             다시 설치했거나, 주소가 다른 컴퓨터로 넘어갔을 수 있습니다 (EC2는 껐다 켜면 그렇습니다)",
            changed.key_type,
            changed.fingerprint,
            changed.file.display(),
            changed.line,
            josa::with(&changed.held, "이/가")
        ),
        FaultCause::HostKeyRefused { why, file, line } => {
            let why = match why {
                HostKeyRefusal::Revoked => "@revoked로 표시된 키입니다".to_owned(),
                HostKeyRefusal::CertAuthority { name } => format!(
                    "{} 인증 기관만 보증하는데 (@cert-authority), Adit는 호스트 인증서를 확인할 수 없습니다",
                    josa::with(name, "은/는")
                ),
            };
            format!(
                "{at}의 호스트 키를 거절했습니다: {why} ({}, {line}번째 줄)",
                file.display()
            )
        }
        FaultCause::KeyUnreadable { path, reason } => {
            format!(
                "개인 키 {} 파일을 읽을 수 없습니다: {}",
                path.display(),
                ko(reason)
            )
        }
        FaultCause::KeyPermissions { path, mode } => format!(
            "개인 키 {} 파일을 다른 사람도 읽을 수 있습니다 (권한 {mode:04o})",
            path.display()
        ),
        FaultCause::KeyFormat { path, reason, .. } => {
            format!("{} {}", path.display(), ko(reason))
        }
        FaultCause::PassphraseRefused { path } => {
            format!("개인 키 {}의 잠금이 풀리지 않았습니다", path.display())
        }
        FaultCause::AuthRejected { tried, .. } => format!(
            "{} 로그인을 거절했습니다. 시도한 것: {}",
            josa::with(&at, "이/가"),
            said(tried)
        ),
        FaultCause::NothingToAuthenticateWith { accepted } => format!(
            "{at}에 로그인할 방법이 없습니다. 서버가 받는 것: {}",
            list(accepted)
        ),
        FaultCause::ForwardingProhibited => {
            format!(
                "SSH 서버가 {} 가는 포워딩을 금지합니다",
                josa::with(&at, "으로/로")
            )
        }
        FaultCause::TargetRefused => {
            format!("SSH 호스트에서 {at}에 연결할 수 없습니다: 거부되었거나 길이 없습니다")
        }
        FaultCause::TargetTimedOut { after } => format!(
            "SSH 호스트가 {at}에서 {}초 안에 응답을 받지 못했습니다",
            after.as_secs()
        ),
        FaultCause::TargetHungUp => {
            format!("{} 연결을 받자마자 끊었습니다", josa::with(&at, "이/가"))
        }
        FaultCause::ServerExhausted => {
            format!(
                "SSH 서버에 {} 가는 채널을 더 열 자리가 없습니다",
                josa::with(&at, "으로/로")
            )
        }
        FaultCause::ForwardingUnsupported => {
            format!(
                "SSH 서버는 {} 포워딩할 수 없습니다",
                josa::with(&at, "으로/로")
            )
        }
        FaultCause::SessionLost { reason } => {
            format!(
                "{}의 SSH 연결이 끊어졌습니다: {}",
                josa::with(&at, "과/와"),
                ko(reason)
            )
        }
        FaultCause::ServiceMissing { service } => {
            format!(
                "클러스터에 서비스 {} 없습니다",
                josa::with(&service.to_string(), "이/가")
            )
        }
        FaultCause::PortMissing { service, has, .. } if has.is_empty() => {
            format!("{service}에는 TCP 포트가 없는데, SSH는 TCP만 나를 수 있습니다")
        }
        FaultCause::PortMissing { service, port, has } => {
            let has: Vec<_> = has.iter().map(ToString::to_string).collect();
            format!(
                "{service}에는 TCP 포트 {port}번이 없습니다. 있는 포트: {}",
                list(&has)
            )
        }
        FaultCause::NotTcp { port } => {
            format!("포트 {port}번은 TCP가 아닌데, SSH는 TCP만 나를 수 있습니다")
        }
        FaultCause::RouteUnavailable {
            route: Some(route),
            reason,
        } => format!("{route} 경로로 갈 수 없습니다: {}", ko(reason)),
        FaultCause::RouteUnavailable {
            route: None,
            reason,
        } => format!("아직 경로가 없습니다: {}", ko(reason)),
        FaultCause::NoCluster => "고른 클러스터가 없습니다".to_owned(),
        FaultCause::ClusterUnavailable { reason, .. } => {
            format!("클러스터에 물어볼 수 없습니다: {}", ko(reason))
        }
        FaultCause::Config { reason } => match &fault.hop {
            Hop::Ssh(login) => format!("{login}의 설정을 쓸 수 없습니다: {}", ko(reason)),
            Hop::Local | Hop::Cluster | Hop::Target(_) => ko(reason),
        },
    }
}

fn next(fault: &Fault) -> String {
    match &fault.cause {
        FaultCause::PortInUse { holder, free_port, .. } => {
            let end_it = if holder.is_some() { "그 프로그램을 끝내세요" } else { "쓰고 있는 프로그램을 끝내세요" };
            match free_port {
                Some(port) => format!("비어 있는 포트 {port}번을 쓰거나, {end_it}."),
                None => format!("다른 로컬 포트를 고르거나, {end_it}."),
            }
        }
        FaultCause::HostKeyChanged(changed) => format!(
            "로그인은 시도하지 않았습니다. 호스트 관리자에게 키가 바뀌었는지 물어보고, 확인될 때만 실행하세요: {}",
            changed.forget_command()
        ),
        FaultCause::HostKeyUnknown { key_type, known_as, .. } => unknown_key_step(key_type, !known_as.is_empty()),
        FaultCause::HostKeyRefused {
            why: HostKeyRefusal::Revoked,
            file,
            line,
        } => format!(
            "로그인은 시도하지 않았습니다. {}의 {line}번째 줄을 보고, 그 파일을 관리하는 사람에게 물어보세요.",
            file.display()
        ),
        FaultCause::HostKeyRefused {
            why: HostKeyRefusal::CertAuthority { name },
            ..
        } => format!(
            "호스트 자신의 키를 받아(ssh-keyscan {}) 호스트 관리자와 비교한 뒤 ~/.ssh/known_hosts에 추가하세요.",
            shell_quoted(name)
        ),
        FaultCause::KnownHostsUnreadable { path, .. } => format!(
            "{0} 파일을 읽을 수 있는지 확인하거나 (ls -ld {0}), 다른 곳으로 옮기세요.",
            quoted(path)
        ),
        FaultCause::KeyUnreadable { path, .. } => {
            format!("{} 파일이 있는지, 당신의 것인지 확인하세요.", path.display())
        }
        FaultCause::KeyPermissions { path, .. } => format!("실행하세요: chmod 600 {}", quoted(path)),
        FaultCause::PassphraseRefused { path } => format!(
            "다시 시도해 키의 암호를 입력하거나, 키를 ssh-agent에 추가하세요: ssh-add {}",
            quoted(path)
        ),
        FaultCause::AuthRejected { accepted, .. } => format!(
            "서버가 받는 것: {}. 사용자 이름(ubuntu, ec2-user, admin, debian?)이 맞는지, 키가 서버의 authorized_keys에 있는지, 계정이 잠겼거나 \
             없는 셸을 쓰지 않는지 확인하세요. 이유는 서버의 로그(journalctl -u ssh)에 있습니다.",
            list(accepted)
        ),
        FaultCause::NoCommonAlgorithm { kind, .. } => match algorithm_option(kind) {
            Some(option) => format!(
                "서버의 알고리즘 가운데 Adit에도 있는 것이 있으면 지정하고 (-o {option}=이름, 또는 ssh_config의 {option}), 없으면 더 새로운 SSH 서버를 \
                 요청하세요."
            ),
            None => "더 새로운 SSH 서버를 요청하세요.".to_owned(),
        },
        FaultCause::NothingToAuthenticateWith { accepted } if asks_a_person(accepted) => {
            "서버가 사람에게 묻습니다. BatchMode, NumberOfPasswordPrompts, PreferredAuthentications가 막지 않으면 Adit가 물어봅니다."
                .to_owned()
        }
        FaultCause::ForwardingProhibited if fault.is_for_a_socket() => {
            "서버의 sshd_config에 AllowStreamLocalForwarding yes를, authorized_keys에 `restrict`나 `no-port-forwarding`이 없기를 요청하세요."
                .to_owned()
        }
        FaultCause::KeyFormat { hint: Some(hint), .. } => format!("{}.", ko(hint)),
        FaultCause::PortMissing { has, .. } if has.is_empty() => "다른 서비스를 고르세요.".to_owned(),
        FaultCause::ClusterUnavailable { hint: Some(hint), .. } => format!("{}.", without_stop(&ko(hint))),
        FaultCause::Config { .. } if fault.hop == Hop::Local => {
            "호스트를 추가하거나 (adit hosts add, 또는 창의 호스트 페이지) 다른 호스트를 지정하세요.".to_owned()
        }
        cause => plain_next(cause).to_owned(),
    }
}

fn unknown_key_step(key_type: &str, is_known_elsewhere: bool) -> String {
    let compare = format!(
        "서버의 지문(`ssh-keygen -lf {}`)과 비교해 보고, Adit가 물을 때 받아들이거나 ssh로 한 번 접속하세요.",
        host_key_file(key_type)
    );
    if is_known_elsewhere {
        format!(
            "주소만 바뀐 같은 컴퓨터일 가능성이 큽니다 (EC2 인스턴스는 껐다 켜면 그렇습니다). 확실히 하려면 {compare}"
        )
    } else {
        compare
    }
}

/// The steps that name nothing.
const fn plain_next(cause: &FaultCause) -> &'static str {
    match cause {
        FaultCause::BindFailed { .. } => {
            "다른 로컬 포트(1024 이상은 특별한 권한이 필요 없습니다)나 이 컴퓨터의 주소를 고르세요."
        }
        FaultCause::NameNotFound { .. } => "호스트 이름과 이 컴퓨터의 네트워크, DNS를 확인하세요.",
        FaultCause::ConnectRefused => "그곳에서 sshd가 실행 중인지, 포트가 맞는지 확인하세요.",
        FaultCause::ConnectReset => {
            "포트가 맞는지 확인하세요. 맞다면 방화벽이나 서버가 이 컴퓨터를 막고 있으니 관리하는 사람에게 물어보세요."
        }
        FaultCause::ConnectTimedOut { .. } | FaultCause::ConnectFailed { .. } => {
            "주소를 확인하고, 방화벽이나 보안 그룹이 이 컴퓨터의 SSH 접속을 허용하는지 확인하세요. EC2 인스턴스는 껐다 켜면 공인 주소가 바뀝니다."
        }
        FaultCause::TooManyFiles => {
            "Adit의 터널로 열린 연결을 몇 개 닫거나, 더 높은 한도(ulimit -n)로 Adit를 시작하세요."
        }
        FaultCause::HandshakeFailed { phase, .. } => match phase {
            SshPhase::Greeting => {
                "그 포트가 SSH 서버의 것인지, 이 컴퓨터를 받아 주는지 확인하세요. `ssh -v`가 서버의 응답을 보여 줍니다."
            }
            SshPhase::KeyExchange => {
                "Adit가 스스로 다시 시도합니다. 계속되면 `ssh -v`가 어디서 끝나는지 보세요."
            }
            SshPhase::Login => {
                "Adit가 스스로 다시 시도합니다. 계속되면 이유는 서버의 로그(journalctl -u ssh)에 있습니다. 계정을 찾는 데 오래 걸리는 서버라면 \
                 ConnectTimeout을 늘리세요."
            }
        },
        FaultCause::NextHopUnreachable { .. } => {
            "경유 호스트에서 본 주소를 확인하고, 그곳의 sshd가 경유 호스트를 받아들이는지 확인하세요."
        }
        FaultCause::NextHopForbidden { .. } | FaultCause::ForwardingProhibited => {
            "그 서버의 sshd_config에 AllowTcpForwarding yes를 (PermitOpen이 있다면 이 주소도 넣어서) 요청하고, authorized_keys에 `restrict`, \
             `no-port-forwarding`이나 다른 `permitopen`이 없기를 요청하세요."
        }
        FaultCause::KeyFormat { .. } => {
            "OpenSSH나 PEM 형식의 개인 키를 쓰세요 (.ppk는 puttygen에서 OpenSSH 키로 내보낼 수 있습니다)."
        }
        FaultCause::NothingToAuthenticateWith { .. } => {
            "개인 키를 지정하거나(-i 파일), ssh-agent에 추가하세요(ssh-add 파일)."
        }
        FaultCause::TargetRefused => {
            "준비된 파드가 없거나, 그곳에서 기다리는 프로그램이 없거나, SSH 호스트가 클러스터 노드가 아닐 수 있습니다."
        }
        FaultCause::TargetHungUp => {
            "서비스의 targetPort가 틀렸거나, 다른 프로토콜(TLS?)을 기다리는 것일 수 있습니다."
        }
        FaultCause::TargetTimedOut { .. } => {
            "SSH 호스트가 클러스터 노드가 아니거나, 서비스의 loadBalancerSourceRanges에 들지 않을 수 있습니다."
        }
        FaultCause::ServerExhausted => {
            "Adit가 스스로 다시 시도합니다. 필요 없는 연결을 닫거나 서버의 한도를 늘리세요."
        }
        FaultCause::ForwardingUnsupported => {
            "OpenSSH의 sshd처럼 연결을 포워딩하는 서버를 요청하세요."
        }
        FaultCause::SessionLost { .. } => "Adit가 스스로 다시 연결합니다.",
        FaultCause::ServiceMissing { .. } => {
            "이름과 네임스페이스를 확인하세요. 서비스가 나타나면 Adit가 터널을 엽니다."
        }
        FaultCause::PortMissing { .. } => "이 가운데 하나를 고르세요.",
        FaultCause::NotTcp { .. } => "서비스의 TCP 포트를 고르세요.",
        FaultCause::RouteUnavailable { .. } => {
            "상황이 바뀌면 Adit가 터널을 엽니다. 다른 경로를 고를 수도 있습니다."
        }
        FaultCause::NoCluster => "클러스터를 고르세요 (--kubeconfig 파일, --context 이름).",
        FaultCause::ClusterUnavailable { .. } => "Adit가 스스로 다시 물어봅니다.",
        _ => "고친 뒤 다시 시도하세요.",
    }
}

fn ko(words: &Words) -> String {
    Lang::Korean.say(words)
}

fn algorithm_kind(kind: &str) -> &str {
    match kind {
        "key exchange" => "키 교환",
        "host key type" => "호스트 키",
        "cipher" => "암호",
        other => other,
    }
}

fn said(all: &[Words]) -> String {
    list(&all.iter().map(ko).collect::<Vec<_>>())
}

fn list(words: &[String]) -> String {
    if words.is_empty() {
        "없음".to_owned()
    } else {
        words.join(", ")
    }
}

#[cfg(test)]
mod tests;
