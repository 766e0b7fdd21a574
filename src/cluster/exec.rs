//! Credential plugins (`users[].user.exec`): a command that prints a token or a client certificate.
//!
//! kube runs the plugin itself when a client is made, three times over, without a limit of time. So the plugin is run
//! here, once, killed when it hangs, and never at a terminal; the client is given what it printed.
//! The protocol is `client.authentication.k8s.io/v1` and `v1beta1`.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use kube::config::ExecConfig;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::model::Secret;

/// Longer than any plugin takes that does not wait for a person.
const LIMIT: Duration = Duration::from_mins(1);
/// Longer than any credential.
const OUTPUT_LIMIT_BYTES: u64 = 1024 * 1024;

/// Why a plugin gave no credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExecError {
    /// The kubeconfig names no command.
    #[error("the kubeconfig's exec entry names no command")]
    NoCommand,
    /// The command is not there.
    #[error("the credential plugin '{command}' is not installed")]
    Missing {
        /// The command.
        command: String,
        /// How to install it, in the kubeconfig's words.
        install_hint: Option<String>,
        /// The system's reason.
        source: io::Error,
    },
    /// The command cannot be run.
    #[error("the credential plugin '{command}' cannot be run")]
    Run {
        /// The command.
        command: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The command failed.
    #[error("the credential plugin '{command}' failed ({status})")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last line that it wrote to its standard error.
        said: String,
    },
    /// It did not end.
    #[error("the credential plugin '{command}' did not end within {} s", after.as_secs())]
    TimedOut {
        /// The command.
        command: String,
        /// How long was waited.
        after: Duration,
    },
    /// What it printed is no `ExecCredential`.
    #[error("the credential plugin '{command}' printed no ExecCredential")]
    Output {
        /// The command.
        command: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It printed an `ExecCredential` without credentials.
    #[error("the credential plugin '{command}' printed no credentials")]
    Empty {
        /// The command.
        command: String,
    },
}

/// What a plugin printed.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) token: Option<Secret>,
    /// Certificate and key, in PEM.
    pub(super) certificate: Option<(String, Secret)>,
    /// When they end, if they say so.
    pub(super) until: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    kind: &'static str,
    api_version: &'a str,
    spec: RequestSpec<'a>,
}

#[derive(Serialize)]
struct RequestSpec<'a> {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a kube::config::ExecAuthCluster>,
}

#[derive(Deserialize)]
struct Answer {
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerStatus {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin. It gets no input and is killed if this is dropped.
pub(super) async fn run(exec: &ExecConfig) -> Result<Credentials, ExecError> {
    run_within(exec, LIMIT).await
}

async fn run_within(exec: &ExecConfig, limit: Duration) -> Result<Credentials, ExecError> {
    let name = exec
        .command
        .clone()
        .filter(|name| !name.is_empty())
        .ok_or(ExecError::NoCommand)?;
    let child = command(exec, &name).spawn().map_err(|source| {
        let command = name.clone();
        if source.kind() == io::ErrorKind::NotFound {
            let install_hint = exec.install_hint.clone();
            ExecError::Missing {
                command,
                install_hint,
                source,
            }
        } else {
            ExecError::Run { command, source }
        }
    })?;
    let ended = tokio::time::timeout(limit, output(child)).await;
    let (status, stdout, stderr) = match ended {
        Err(_elapsed) => {
            return Err(ExecError::TimedOut {
                command: name,
                after: limit,
            });
        }
        Ok(Err(source)) => {
            return Err(ExecError::Run {
                command: name,
                source,
            });
        }
        Ok(Ok(output)) => output,
    };
    if !status.success() {
        let said = last_line(&stderr);
        return Err(ExecError::Failed {
            command: name,
            status,
            said,
        });
    }
    parse(name, &stdout)
}

fn command(exec: &ExecConfig, name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .args(exec.args.iter().flatten())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    let request = Request {
        kind: "ExecCredential",
        api_version: exec
            .api_version
            .as_deref()
            .unwrap_or("client.authentication.k8s.io/v1"),
        spec: RequestSpec {
            interactive: false,
            cluster: exec.cluster.as_ref().filter(|_| exec.provide_cluster_info),
        },
    };
    // Nothing in a request can fail to be written as JSON; a plugin that misses the variable says so itself.
    if let Ok(request) = serde_json::to_string(&request) {
        command.env("KUBERNETES_EXEC_INFO", request);
    }
    #[cfg(windows)]
    command.creation_flags(0x0800_0000); // CREATE_NO_WINDOW: no console flashes up.
    command
}

type Output = (ExitStatus, Zeroizing<Vec<u8>>, Vec<u8>);

async fn output(mut child: Child) -> io::Result<Output> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr, status) = tokio::try_join!(read(stdout), read(stderr), child.wait())?;
    Ok((status, Zeroizing::new(stdout), stderr))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT_LIMIT_BYTES)
            .read_to_end(&mut bytes)
            .await?;
    }
    Ok(bytes)
}

fn last_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.unwrap_or_default().chars().take(300).collect()
}

fn parse(command: String, stdout: &[u8]) -> Result<Credentials, ExecError> {
    let answer: Answer = match serde_json::from_slice(stdout) {
        Ok(answer) => answer,
        Err(source) => return Err(ExecError::Output { command, source }),
    };
    let Some(status) = answer.status else {
        return Err(ExecError::Empty { command });
    };
    let credentials = Credentials {
        token: status
            .token
            .filter(|token| !token.is_empty())
            .map(Secret::new),
        certificate: status
            .client_certificate_data
            .zip(status.client_key_data.map(Secret::new)),
        until: status.expiration_timestamp,
    };
    if credentials.token.is_none() && credentials.certificate.is_none() {
        return Err(ExecError::Empty { command });
    }
    Ok(credentials)
}

#[cfg(all(test, unix))]
#[path = "exec_tests.rs"]
mod tests;
