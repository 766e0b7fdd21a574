//! Logging in: with the keys the person named, with those in ssh-agent, and with what the person types.
//!
//! Key files that were named come before the agent's other keys: a server counts every key it is offered and hangs up after
//! a few (`MaxAuthTries`), so that an agent full of keys would keep the right one from being tried.

use std::fs;
use std::path::Path;
use std::time::Duration;

use libssh2_sys as sys;
use ssh2::{Agent, ErrorCode, KeyboardInteractivePrompt, PublicKey};
use zeroize::Zeroizing;

use super::dial::Observer;
use super::key_file::{self, KeyFileFacts};
use crate::model::{Answer, FaultCause, HostProfile, Question, Secret, printable};

/// How long a server may take over one step of the login; some ask a directory on the way.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a person may take over a question that libssh2 waits for in the middle of an exchange.
const PERSON_TIMEOUT: Duration = Duration::from_mins(5);

/// How often a passphrase or a password may be wrong.
const TRIES: u32 = 3;

/// Logs in. Returns in words how that was done.
pub(super) fn authenticate(
    session: &ssh2::Session,
    profile: &HostProfile,
    observer: &dyn Observer,
) -> Result<String, FaultCause> {
    session.set_timeout(millis(STEP_TIMEOUT));
    let accepted = accepted_methods(session, profile);
    if session.authenticated() {
        return Ok("no authentication (the server asks for none)".to_owned());
    }
    let mut login = Login {
        session,
        profile,
        observer,
        tried: Vec::new(),
        problem: None,
    };
    login
        .run(&accepted)?
        .map_or_else(|| Err(login.failure(accepted)), Ok)
}

/// What the server would accept, as it lists it. Asking for the list is itself an attempt to log in without any proof.
fn accepted_methods(session: &ssh2::Session, profile: &HostProfile) -> Vec<String> {
    let methods = session.auth_methods(&profile.user).unwrap_or_default();
    methods
        .split(',')
        .filter(|method| !method.is_empty())
        .map(|method| printable(method).into_owned())
        .collect()
}

struct Login<'a> {
    session: &'a ssh2::Session,
    profile: &'a HostProfile,
    observer: &'a dyn Observer,
    /// What the server was offered, in words.
    tried: Vec<String>,
    /// The first thing that kept a key which the person named from being offered at all.
    problem: Option<FaultCause>,
}

/// What became of one attempt.
enum Attempt {
    Accepted(String),
    Rejected,
}

impl Login<'_> {
    fn run(&mut self, accepted: &[String]) -> Result<Option<String>, FaultCause> {
        let accepts = |method: &str| accepted.iter().any(|name| name == method);
        if accepts("publickey")
            && let Some(how) = self.with_keys()?
        {
            return Ok(Some(how));
        }
        if accepts("keyboard-interactive")
            && let Some(how) = self.with_answers()?
        {
            return Ok(Some(how));
        }
        if accepts("password")
            && let Some(how) = self.with_password()?
        {
            return Ok(Some(how));
        }
        Ok(None)
    }

    fn failure(&mut self, accepted: Vec<String>) -> FaultCause {
        if let Some(problem) = self.problem.take() {
            return problem;
        }
        if self.tried.is_empty() {
            return FaultCause::NothingToAuthenticateWith { accepted };
        }
        FaultCause::AuthRejected {
            tried: std::mem::take(&mut self.tried),
            accepted,
        }
    }

    fn with_keys(&mut self) -> Result<Option<String>, FaultCause> {
        let agent = AgentKeys::of(self.session, self.profile);
        let mut offered: Vec<Vec<u8>> = Vec::new();
        for path in &self.profile.identities {
            let facts = match key_file::inspect(path) {
                Ok(facts) => facts,
                Err(error) => {
                    self.problem.get_or_insert(error.cause());
                    continue;
                }
            };
            let held = facts
                .public_blob
                .as_deref()
                .and_then(|blob| agent.find(blob));
            let attempt = match held {
                Some((agent, key)) => {
                    offered.push(key.blob().to_vec());
                    self.with_agent_key(agent, key)?
                }
                None => self.with_key_file(path, &facts)?,
            };
            if let Attempt::Accepted(how) = attempt {
                return Ok(Some(how));
            }
        }
        if self.profile.use_agent {
            for (agent, key) in agent.others(&offered) {
                if let Attempt::Accepted(how) = self.with_agent_key(agent, key)? {
                    return Ok(Some(how));
                }
            }
        }
        Ok(None)
    }

    fn with_agent_key(&mut self, agent: &Agent, key: &PublicKey) -> Result<Attempt, FaultCause> {
        let name = format!("{} from ssh-agent", printable(key.comment()));
        let result = agent.userauth(&self.profile.user, key);
        self.judge(result, name)
    }

    fn with_key_file(&mut self, path: &Path, facts: &KeyFileFacts) -> Result<Attempt, FaultCause> {
        let key = match read_key(path) {
            Ok(key) => key,
            Err(cause) => {
                self.problem.get_or_insert(cause);
                return Ok(Attempt::Rejected);
            }
        };
        let name = path.display().to_string();
        if !facts.encrypted {
            let result = self
                .session
                .userauth_pubkey_memory(&self.profile.user, None, &key, None);
            return self.judge_key(result, path, name);
        }
        for attempt in 0..TRIES {
            let question = Question::Passphrase {
                path: path.to_owned(),
                again: attempt > 0,
            };
            let Answer::Secret(passphrase) = self.observer.ask(&self.profile.login(), question)
            else {
                break;
            };
            let result = self.session.userauth_pubkey_memory(
                &self.profile.user,
                None,
                &key,
                Some(passphrase.expose()),
            );
            match result {
                Err(error) if is_bad_key(&error) => {}
                result => return self.judge(result, name),
            }
        }
        self.problem.get_or_insert(FaultCause::PassphraseRefused {
            path: path.to_owned(),
        });
        Ok(Attempt::Rejected)
    }

    fn judge_key(
        &mut self,
        result: Result<(), ssh2::Error>,
        path: &Path,
        name: String,
    ) -> Result<Attempt, FaultCause> {
        match result {
            Err(error) if is_bad_key(&error) => {
                let reason = error.message().to_owned();
                self.problem.get_or_insert(FaultCause::KeyFormat {
                    path: path.to_owned(),
                    reason,
                });
                Ok(Attempt::Rejected)
            }
            result => self.judge(result, name),
        }
    }

    /// Tells a refusal, after which other ways may be tried, from the end of the connection.
    fn judge(
        &mut self,
        result: Result<(), ssh2::Error>,
        name: String,
    ) -> Result<Attempt, FaultCause> {
        let error = match result {
            Ok(()) if self.session.authenticated() => return Ok(Attempt::Accepted(name)),
            Ok(()) => {
                self.tried
                    .push(format!("{name} (accepted, but the server asks for more)"));
                return Ok(Attempt::Rejected);
            }
            Err(error) => error,
        };
        self.tried.push(name);
        match error.code() {
            ErrorCode::Session(
                sys::LIBSSH2_ERROR_SOCKET_DISCONNECT
                | sys::LIBSSH2_ERROR_SOCKET_RECV
                | sys::LIBSSH2_ERROR_SOCKET_SEND,
            ) => {
                self.tried.push(
                    "then the server hung up, as it does after too many attempts (MaxAuthTries)"
                        .to_owned(),
                );
                Err(self.failure(Vec::new()))
            }
            ErrorCode::Session(sys::LIBSSH2_ERROR_TIMEOUT) => Err(FaultCause::ConnectTimedOut {
                after: STEP_TIMEOUT,
            }),
            _ => {
                tracing::debug!(%error, "a way to log in was refused");
                Ok(Attempt::Rejected)
            }
        }
    }

    fn with_answers(&mut self) -> Result<Option<String>, FaultCause> {
        let mut prompter = Prompter {
            hop: self.profile.login(),
            observer: self.observer,
            cancelled: false,
        };
        for _ in 0..TRIES {
            self.session.set_timeout(millis(PERSON_TIMEOUT));
            let result = self
                .session
                .userauth_keyboard_interactive(&self.profile.user, &mut prompter);
            self.session.set_timeout(millis(STEP_TIMEOUT));
            if prompter.cancelled {
                return Ok(None);
            }
            if let Attempt::Accepted(how) = self.judge(result, "keyboard-interactive".to_owned())? {
                return Ok(Some(how));
            }
        }
        Ok(None)
    }

    fn with_password(&mut self) -> Result<Option<String>, FaultCause> {
        for attempt in 0..TRIES {
            let question = Question::Password { again: attempt > 0 };
            let Answer::Secret(password) = self.observer.ask(&self.profile.login(), question)
            else {
                break;
            };
            let result = self
                .session
                .userauth_password(&self.profile.user, password.expose());
            if let Attempt::Accepted(how) = self.judge(result, "password".to_owned())? {
                return Ok(Some(how));
            }
        }
        Ok(None)
    }
}

/// The keys that an agent holds; none where there is no agent.
struct AgentKeys(Option<(Agent, Vec<PublicKey>)>);

impl AgentKeys {
    fn of(session: &ssh2::Session, profile: &HostProfile) -> Self {
        if profile.agent_socket.is_none()
            && std::env::var_os("SSH_AUTH_SOCK").is_none()
            && cfg!(unix)
        {
            return Self(None);
        }
        match Self::connect(session, profile) {
            Ok(keys) => Self(Some(keys)),
            Err(error) => {
                tracing::info!(%error, "ssh-agent cannot be asked");
                Self(None)
            }
        }
    }

    fn connect(
        session: &ssh2::Session,
        profile: &HostProfile,
    ) -> Result<(Agent, Vec<PublicKey>), ssh2::Error> {
        let mut agent = session.agent()?;
        if let Some(path) = &profile.agent_socket {
            agent.set_identity_path(path)?;
        }
        agent.connect()?;
        agent.list_identities()?;
        let keys = agent.identities()?;
        Ok((agent, keys))
    }

    fn find(&self, blob: &[u8]) -> Option<(&Agent, &PublicKey)> {
        let (agent, keys) = self.0.as_ref()?;
        keys.iter()
            .find(|key| key.blob() == blob)
            .map(|key| (agent, key))
    }

    fn others<'a>(
        &'a self,
        offered: &'a [Vec<u8>],
    ) -> impl Iterator<Item = (&'a Agent, &'a PublicKey)> {
        let all = self
            .0
            .iter()
            .flat_map(|(agent, keys)| keys.iter().map(move |key| (agent, key)));
        all.filter(|(_, key)| !offered.iter().any(|blob| blob == key.blob()))
    }
}

/// Puts a server's questions to the person, one after the other.
struct Prompter<'a> {
    hop: String,
    observer: &'a dyn Observer,
    cancelled: bool,
}

impl KeyboardInteractivePrompt for Prompter<'_> {
    fn prompt(
        &mut self,
        _user: &str,
        instructions: &str,
        prompts: &[ssh2::Prompt<'_>],
    ) -> Vec<String> {
        prompts
            .iter()
            .map(|prompt| self.answer(instructions, prompt))
            .collect()
    }
}

impl Prompter<'_> {
    fn answer(&mut self, instructions: &str, prompt: &ssh2::Prompt<'_>) -> String {
        if self.cancelled {
            return String::new();
        }
        let text = format!("{} {}", instructions.trim(), prompt.text.trim());
        let question = Question::Interactive {
            text: printable(text.trim()).into_owned(),
            echo: prompt.echo,
        };
        match self.observer.ask(&self.hop, question) {
            Answer::Secret(secret) => Secret::expose(&secret).to_owned(),
            Answer::Yes | Answer::No => {
                self.cancelled = true;
                String::new()
            }
        }
    }
}

fn read_key(path: &Path) -> Result<Zeroizing<String>, FaultCause> {
    fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| FaultCause::KeyUnreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

/// libssh2 could not make a key of the file and the passphrase; the server was not asked.
fn is_bad_key(error: &ssh2::Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::Session(sys::LIBSSH2_ERROR_FILE | KEYFILE_AUTH_FAILED)
    )
}

/// `LIBSSH2_ERROR_KEYFILE_AUTH_FAILED` of libssh2.h, which libssh2-sys does not bind.
const KEYFILE_AUTH_FAILED: i32 = -48;

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
