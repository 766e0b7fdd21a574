use crate::cluster::connect_fault::of_connect;
use crate::cluster::connection::ConnectError;

use super::*;

fn plugin(command: &str, args: &[&str]) -> ExecConfig {
    let json = serde_json::json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": command,
        "args": args,
        "installHint": "Fetch it from example.org.",
        "env": [{"name": "REGION", "value": "eu"}],
        "provideClusterInfo": false,
    });
    serde_json::from_value(json).expect("it is a plugin entry")
}

fn shell(script: &str) -> ExecConfig {
    plugin("sh", &["-c", script])
}

#[tokio::test]
async fn a_token_and_its_end_are_read() {
    let script = r#"printf '{"kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"2030-01-02T03:04:05Z"}}' "$REGION""#;
    let credentials = run(&shell(script)).await.unwrap();
    assert_eq!(credentials.token.unwrap().expose(), "eu");
    assert_eq!(
        credentials.until.unwrap().to_string(),
        "2030-01-02T03:04:05Z"
    );
    assert!(credentials.certificate.is_none());
}

#[tokio::test]
async fn a_certificate_is_read() {
    let script = r#"echo '{"status":{"clientCertificateData":"CERT","clientKeyData":"KEY"}}'"#;
    let (certificate, key) = run(&shell(script)).await.unwrap().certificate.unwrap();
    assert_eq!((certificate.as_str(), key.expose()), ("CERT", "KEY"));
}

#[tokio::test]
async fn it_is_told_that_nobody_can_answer_and_gets_no_input() {
    let script = r#"read line && exit 9; case "$KUBERNETES_EXEC_INFO" in
        *'"apiVersion":"client.authentication.k8s.io/v1"'*'"interactive":false'*) echo '{"status":{"token":"t"}}';; esac"#;
    assert!(run(&shell(script)).await.unwrap().token.is_some());
}

#[tokio::test]
async fn faults_name_the_command_and_what_to_do() {
    for (exec, message, hint) in [
        (
            plugin("adit-no-such-plugin", &[]),
            "'adit-no-such-plugin' is not installed",
            "example.org",
        ),
        (
            shell("echo first >&2; echo 'session has expired' >&2; exit 3"),
            "session has expired",
            "log in once",
        ),
        (
            shell("echo hello"),
            "'sh' printed no ExecCredential",
            "in a terminal",
        ),
        (
            shell("echo '{}'"),
            "'sh' printed no credentials",
            "in a terminal",
        ),
        (
            shell("echo '{\"status\":{\"token\":\"\"}}'"),
            "'sh' printed no credentials",
            "in a terminal",
        ),
    ] {
        let fault = of_connect(&ConnectError::Exec(run(&exec).await.unwrap_err()));
        assert_eq!(fault.code, "unauthorized");
        assert!(fault.message.contains(message), "{fault:?}");
        assert!(fault.hint.contains(hint), "{fault:?}");
    }
}

#[tokio::test]
async fn one_that_hangs_is_given_up() {
    let error = run_within(&shell("exec sleep 600"), Duration::from_millis(50)).await;
    assert!(
        matches!(error, Err(ExecError::TimedOut { .. })),
        "{error:?}"
    );
}
