//! What the system says of a file, a port or a network, in Korean. It comes in English and in few sentences, wherever it is quoted.

/// The sentences of glibc's `strerror` and `getaddrinfo` that a person may meet here.
const KOREAN: [(&str, &str); 22] = [
    ("Permission denied", "권한이 없습니다"),
    ("Operation not permitted", "허용되지 않는 작업입니다"),
    ("No such file or directory", "그런 파일이나 폴더가 없습니다"),
    ("File exists", "같은 이름의 파일이 이미 있습니다"),
    ("Not a directory", "폴더가 아닙니다"),
    ("Is a directory", "폴더입니다"),
    ("File name too long", "파일 이름이 너무 깁니다"),
    ("No space left on device", "디스크에 남은 공간이 없습니다"),
    ("Disk quota exceeded", "디스크 할당량을 넘었습니다"),
    (
        "Read-only file system",
        "읽기만 할 수 있는 파일 시스템입니다",
    ),
    ("Input/output error", "입출력 오류입니다"),
    ("Too many open files", "열린 파일이 너무 많습니다"),
    (
        "Cannot assign requested address",
        "이 컴퓨터에 없는 주소입니다",
    ),
    ("Address already in use", "이미 쓰이는 주소입니다"),
    (
        "Address family not supported by protocol",
        "이 컴퓨터가 지원하지 않는 종류의 주소입니다",
    ),
    ("Connection refused", "연결이 거부되었습니다"),
    ("Connection reset by peer", "상대가 연결을 끊었습니다"),
    ("Network is unreachable", "그 네트워크로 가는 길이 없습니다"),
    ("No route to host", "그 호스트로 가는 길이 없습니다"),
    ("Name or service not known", "그런 이름이 없습니다"),
    (
        "No address associated with hostname",
        "그 이름에 주소가 없습니다",
    ),
    (
        "Temporary failure in name resolution",
        "지금은 이름을 찾을 수 없습니다",
    ),
];

/// `text` in Korean, where it is one of the system's sentences; the system's number stays, for who looks it up.
pub(super) fn in_korean(text: &str) -> Option<String> {
    let (said, number) = match text.find(" (os error ") {
        Some(at) if text.ends_with(')') => text.split_at(at),
        _ => (text, ""),
    };
    let (_, korean) = KOREAN.iter().find(|(english, _)| *english == said)?;
    Some(format!("{korean}{number}"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use crate::l10n::Lang;
    use crate::model::{Words, words};

    #[test]
    fn the_systems_own_sentences_are_said_in_korean_and_those_of_others_stay() {
        let refused = io::Error::from_raw_os_error(13).to_string();
        let said = |words: &Words| Lang::Korean.say(words);
        if cfg!(target_os = "linux") {
            let quoted = Words::from(refused.clone());
            assert_eq!(said(&quoted), "권한이 없습니다 (os error 13)");
            let within = words!("cannot be used: {reason}", reason = refused);
            assert!(said(&within).contains("권한이 없습니다 (os error 13)"));
        }
        for (own, korean) in [
            ("Name or service not known", "그런 이름이 없습니다"),
            (
                "Permission denied (publickey)",
                "Permission denied (publickey)",
            ),
            ("my-server", "my-server"),
        ] {
            assert_eq!(said(&own.to_owned().into()), korean);
        }
    }
}
