//! Logging in: with the keys the person named, with those in ssh-agent, and with what the person types.
//!
//! A server counts what it refuses and hangs up after a few (`MaxAuthTries`, 6 by default). So the right key is put first,
//! offers stop before that number, and one more connection is made where that lets the others be tried.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use ssh2::{ErrorCode, MethodType};

use super::agent::Agent;
use super::dial::Observer;
use super::identity::{Candidate, Signer, candidates};
use super::key_file;
use super::login_raw::{Asked, LoginSession, Signed, Verdict};
use crate::model::{
    Answer, FaultCause, HostProfile, LoginMethod, Question, Secret, SshPhase, Words, printable,
    words,
};

/// How long a server may take over an answer that a person may have a hand in, on a telephone say: sshd's `LoginGraceTime`.
const PERSON_TIMEOUT: Duration = Duration::from_mins(2);

/// How long it may take over any other where it is never to be asked for a sign of life.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(15);

/// How much a server may refuse on one connection before no more keys are offered: OpenSSH hangs up at the sixth.
const MAX_REFUSALS: u32 = 5;

/// Neither OpenSSH's sshd nor Dropbear hangs up for fewer without saying why.
const FEW_REFUSALS: u32 = 3;

/// What happened on an earlier connection of the same dial.
#[derive(Debug, Default)]
pub(super) struct History {
    /// What the server was offered, in words.
    tried: Vec<Words>,
    /// What it need not be offered again.
    spent: Vec<Candidate>,
    /// Keys of which the server said nothing before the connection ended: those that are offered last.
    doubtful: Vec<Candidate>,
    /// Passwords that were asked for.
    passwords: u32,
    /// Keyboard-interactive exchanges that were begun.
    exchanges: u32,
    /// Whether this is the second connection.
    pub(super) has_reconnected: bool,
}

/// How a login ended.
pub(super) enum Outcome {
    /// It is done; how.
    LoggedIn(String),
    /// There is more to try than this connection allows: make another.
    Again,
}

/// Logs in.
pub(super) fn authenticate(
    session: &LoginSession,
    profile: &HostProfile,
    observer: &dyn Observer,
    history: &mut History,
) -> Result<Outcome, FaultCause> {
    prefer_signatures(session, profile);
    let mut login = Login {
        session,
        profile,
        observer,
        history,
        accepted: Vec::new(),
        exhausted: Vec::new(),
        refusals: 0,
        agent: None,
        keys: None,
        problem: None,
    };
    login.renew_accepted()?;
    if session.ssh().authenticated() {
        let how = "no authentication (the server asks for none)".to_owned();
        return Ok(Outcome::LoggedIn(how));
    }
    login.run()
}

/// How long a server may be silent while it owes an answer: as long as with a session that stands, and as at the key exchange.
fn step_timeout(profile: &HostProfile) -> Duration {
    let questions = profile.keepalive_count_max.saturating_add(1);
    let silence = match profile.keepalive_interval {
        Duration::ZERO => SILENCE_TIMEOUT,
        interval => interval.saturating_mul(questions),
    };
    silence.max(profile.connect_timeout)
}

/// RSA keys sign with SHA-2, as `PubkeyAcceptedAlgorithms` has it.
fn prefer_signatures(session: &LoginSession, profile: &HostProfile) {
    const SHA2: &str = "rsa-sha2-512,rsa-sha2-256";
    let chosen = profile.pubkey_accepted_algorithms.as_deref().map(|list| {
        let plain = list
            .split(',')
            .map(|name| name.strip_suffix("-cert-v01@openssh.com").unwrap_or(name));
        let mut names: Vec<&str> = Vec::new();
        for name in plain.filter(|name| name.contains("rsa")) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(",")
    });
    let list = chosen.filter(|list| !list.is_empty());
    let list = list.as_deref().unwrap_or(SHA2);
    if let Err(error) = session.ssh().method_pref(MethodType::SignAlgo, list) {
        tracing::debug!(%error, "no preference of signatures");
    }
}

struct Login<'a> {
    session: &'a LoginSession,
    profile: &'a HostProfile,
    observer: &'a dyn Observer,
    history: &'a mut History,
    /// The methods that the server would accept next, as it lists them.
    accepted: Vec<String>,
    /// Methods with nothing left to try.
    exhausted: Vec<LoginMethod>,
    /// What the server has refused on this connection.
    refusals: u32,
    agent: Option<Agent>,
    /// The keys that are still to be offered, once they were collected.
    keys: Option<VecDeque<Candidate>>,
    /// The first thing that kept a key which the person named from being offered at all.
    problem: Option<FaultCause>,
}

/// What came of a step.
enum Step {
    /// The login is done; how.
    Accepted(String),
    /// The same method has more to try.
    Next,
    /// The server is content with this and asks for more: it has listed anew what it would accept.
    Progress,
    /// The method has nothing left.
    Exhausted,
    /// Only another connection can go on.
    Again,
}

impl Login<'_> {
    fn run(&mut self) -> Result<Outcome, FaultCause> {
        while let Some(method) = self.next_method() {
            let step = match method {
                LoginMethod::PublicKey => self.with_keys()?,
                LoginMethod::KeyboardInteractive => self.with_answers()?,
                LoginMethod::Password => self.with_password()?,
            };
            match step {
                Step::Accepted(how) => return Ok(Outcome::LoggedIn(how)),
                Step::Again => {
                    self.history.has_reconnected = true;
                    return Ok(Outcome::Again);
                }
                Step::Next | Step::Progress => {}
                Step::Exhausted => self.exhausted.push(method),
            }
        }
        Err(self.failure())
    }

    /// The first method, in the person's order, that the server accepts and that has something left to try.
    fn next_method(&self) -> Option<LoginMethod> {
        let is_open = |method: &&LoginMethod| {
            !self.exhausted.contains(method)
                && self.accepted.iter().any(|name| name == method.name())
        };
        self.profile.login_methods.iter().find(is_open).copied()
    }

    /// Asks the server what it would accept, which it counts as an attempt without any proof.
    fn renew_accepted(&mut self) -> Result<(), FaultCause> {
        self.session.set_timeout(step_timeout(self.profile));
        match self.session.methods(&self.profile.user) {
            Ok(methods) => {
                let names = methods.split(',').filter(|method| !method.is_empty());
                self.accepted = names.map(|name| printable(name).into_owned()).collect();
                Ok(())
            }
            Err(_none) if self.session.ssh().authenticated() => Ok(()),
            Err(error)
                if error.code() == ErrorCode::Session(libssh2_sys::LIBSSH2_ERROR_TIMEOUT) =>
            {
                Err(self.timed_out())
            }
            Err(_lost) => Err(self.hung_up()),
        }
    }

    fn failure(&mut self) -> FaultCause {
        if let Some(problem) = self.problem.take() {
            return problem;
        }
        let accepted = std::mem::take(&mut self.accepted);
        if self.history.tried.is_empty() {
            return FaultCause::NothingToAuthenticateWith { accepted };
        }
        FaultCause::AuthRejected {
            tried: std::mem::take(&mut self.history.tried),
            accepted,
        }
    }

    /// The fault after the server has ended the session in the middle of the login.
    fn hung_up(&mut self) -> FaultCause {
        let wire = self.session.wire();
        let end = wire.end_in_words();
        let end = end.unwrap_or_else(|| words!("the connection broke"));
        // A line that breaks without a word, before much was refused, is no judgement of the login: it is tried again. OpenSSH's
        // sshd says why it hangs up, and Dropbear does not count keys; others, or what stands before a server, may.
        if wire.goodbye().is_none() && self.refusals < FEW_REFUSALS {
            let reason = match self.refusals {
                0 => end,
                count => words!(
                    "{end} after it had refused {count} of what was offered; it may allow no more (MaxAuthTries): name the right key \
                     (-i, IdentityFile)",
                    end = end,
                    count = count
                ),
            };
            return FaultCause::HandshakeFailed {
                phase: SshPhase::Login,
                reason,
            };
        }
        self.history.tried.push(words!(
            "then {end}, as servers do after too many attempts (MaxAuthTries)",
            end = end
        ));
        self.problem = None;
        self.failure()
    }

    /// The fault after the server has owed an answer for too long.
    fn timed_out(&self) -> FaultCause {
        FaultCause::HandshakeFailed {
            phase: SshPhase::Login,
            reason: words!(
                "the server has been silent for {seconds} s",
                seconds = self.session.timeout().as_secs()
            ),
        }
    }

    /// Takes note of a verdict on what is called `name`.
    fn judge(&mut self, verdict: Verdict, name: &str) -> Result<Step, FaultCause> {
        match verdict {
            Verdict::Accepted => return Ok(Step::Accepted(name.to_owned())),
            Verdict::Refused => {
                self.refusals += 1;
                self.history.tried.push(name.to_owned().into());
            }
            Verdict::NotEnough => return self.went_on(name),
            Verdict::Unusable(why) => self.tried_and(name, why),
            Verdict::TimedOut => return Err(self.timed_out()),
            Verdict::Lost => {
                self.history.tried.push(name.to_owned().into());
                if !self.history.has_reconnected && self.has_more() {
                    return Ok(Step::Again);
                }
                return Err(self.hung_up());
            }
        }
        Ok(Step::Next)
    }

    /// The server has taken the proof and wants more, or did not like it: what it would accept now tells which.
    fn went_on(&mut self, name: &str) -> Result<Step, FaultCause> {
        let before = self.accepted.clone();
        self.refusals += 1;
        self.renew_accepted()?;
        let what = if before == self.accepted {
            words!("proved, and not enough")
        } else {
            words!("accepted, but the server asks for more")
        };
        self.tried_and(name, what);
        Ok(Step::Progress)
    }

    /// After a password or an answer was refused: libssh2 does not tell whether it was right and something else is asked for
    /// besides, but what the server would accept now does. Where that has changed it was right.
    fn was_partial(&mut self, name: &str) -> Result<bool, FaultCause> {
        if self.refusals + 1 >= MAX_REFUSALS {
            return Ok(false);
        }
        let before = self.accepted.clone();
        self.refusals += 1;
        self.renew_accepted()?;
        let has_changed = before != self.accepted;
        if has_changed {
            self.history.tried.pop();
            self.tried_and(name, words!("accepted, but the server asks for more"));
        }
        Ok(has_changed)
    }

    /// Notes what was offered, and what came of it.
    fn tried_and(&mut self, name: &str, what: Words) {
        let words = words!("{name} ({what})", name = printable(name), what = what);
        self.history.tried.push(words);
    }

    /// Whether another connection would have something to try.
    fn has_more(&self) -> bool {
        let may_ask = !self.profile.batch_mode;
        let prompts = self.profile.password_prompts;
        self.profile.login_methods.iter().any(|method| {
            let is_open = self.accepted.iter().any(|name| name == method.name())
                && !self.exhausted.contains(method);
            is_open
                && match method {
                    LoginMethod::PublicKey => {
                        self.keys.as_ref().is_none_or(|keys| !keys.is_empty())
                    }
                    LoginMethod::Password => may_ask && self.history.passwords < prompts,
                    LoginMethod::KeyboardInteractive => may_ask && self.history.exchanges < prompts,
                }
        })
    }

    fn with_keys(&mut self) -> Result<Step, FaultCause> {
        self.collect_keys();
        loop {
            let left = self.keys.as_ref().map_or(0, VecDeque::len);
            if left > 0 && self.refusals >= MAX_REFUSALS {
                if !self.history.has_reconnected {
                    return Ok(Step::Again);
                }
                self.history.tried.push(words!(
                    "{left} more keys of ssh-agent were not offered, since servers hang up after too many (MaxAuthTries): name the right one (-i, IdentityFile)",
                    left = left
                ));
                return Ok(Step::Exhausted);
            }
            let Some(candidate) = self.keys.as_mut().and_then(VecDeque::pop_front) else {
                return Ok(Step::Exhausted);
            };
            self.history.spent.push(candidate.clone());
            match self.offer(&candidate)? {
                Step::Next => {}
                step => return Ok(step),
            }
        }
    }

    fn collect_keys(&mut self) {
        if self.keys.is_some() {
            return;
        }
        if self.profile.use_agent {
            let socket = self.profile.agent_socket.as_deref();
            self.agent = Agent::connect(socket).unwrap_or_else(|error| {
                tracing::warn!(%error, "ssh-agent cannot be asked");
                None
            });
        }
        let found = candidates(self.session, self.profile, self.agent.as_ref());
        self.problem = self.problem.take().or(found.problem);
        let History {
            spent, doubtful, ..
        } = &*self.history;
        let left = found.list.into_iter().filter(|key| !spent.contains(key));
        let (last, first): (Vec<_>, Vec<_>) = left.partition(|key| doubtful.contains(key));
        self.keys = Some(first.into_iter().chain(last).collect());
    }

    fn offer(&mut self, candidate: &Candidate) -> Result<Step, FaultCause> {
        self.session.set_timeout(step_timeout(self.profile));
        let verdict = match &candidate.signer {
            Signer::Agent(blob) => self.offer_held(candidate, blob),
            Signer::File {
                path,
                encrypted: false,
            } => self.offer_file(candidate, path, None),
            Signer::File {
                path,
                encrypted: true,
            } => {
                // A passphrase is asked for only if the key is of any use.
                let refused = self.probe(candidate);
                match refused.or_else(|| self.offer_locked(candidate, path)) {
                    Some(verdict) => verdict,
                    None => return Ok(Step::Next),
                }
            }
        };
        if let (Verdict::Unusable(reason), Signer::File { path, .. }) =
            (&verdict, &candidate.signer)
        {
            self.problem.get_or_insert(FaultCause::KeyFormat {
                path: path.clone(),
                reason: words!("cannot be used: {reason}", reason = reason),
                hint: None,
            });
        }
        if verdict == Verdict::Lost && self.session.wire().goodbye().is_none() {
            self.history.doubtful.extend(self.history.spent.pop());
        }
        self.judge(verdict, &candidate.name)
    }

    fn offer_held(&mut self, candidate: &Candidate, blob: &[u8]) -> Verdict {
        let (Some(agent), Some(offered)) = (&mut self.agent, &candidate.offered) else {
            return Verdict::Unusable(words!("ssh-agent is gone"));
        };
        self.session
            .with_signer(&self.profile.user, offered, &mut |data| {
                agent.sign(blob, data)
            })
    }

    /// Offers a key without proving anything. None if the server wants the proof.
    fn probe(&mut self, candidate: &Candidate) -> Option<Verdict> {
        let offered = candidate.offered.as_ref()?;
        let verdict = self
            .session
            .with_signer(&self.profile.user, offered, &mut |_data| Signed::Failed);
        match verdict {
            Verdict::Unusable(_not_signed) => None,
            verdict => Some(verdict),
        }
    }

    fn offer_locked(&mut self, candidate: &Candidate, path: &Path) -> Option<Verdict> {
        let passphrase = self.passphrase(path);
        if passphrase.is_none() {
            self.problem.get_or_insert(FaultCause::PassphraseRefused {
                path: path.to_owned(),
            });
        }
        let passphrase = passphrase?;
        Some(self.offer_file(candidate, path, Some(&passphrase)))
    }

    fn offer_file(
        &mut self,
        candidate: &Candidate,
        path: &Path,
        passphrase: Option<&Secret>,
    ) -> Verdict {
        match key_file::read_private(path) {
            Ok(private) => self.session.with_key(
                &self.profile.user,
                candidate.certificate.as_deref(),
                &private,
                passphrase,
            ),
            Err(error) => Verdict::Unusable(error.to_string().into()),
        }
    }

    /// The passphrase of a key file, which was seen to fit.
    fn passphrase(&mut self, path: &Path) -> Option<Secret> {
        let private = key_file::read_private(path).ok()?;
        for attempt in 0..self.profile.password_prompts {
            let question = Question::Passphrase {
                path: path.to_owned(),
                again: attempt > 0,
            };
            let passphrase = self.ask(question.clone())?;
            if self
                .session
                .public_half(&private, Some(&passphrase))
                .is_some()
            {
                self.observer.accepted(&self.profile.login(), &question);
                return Some(passphrase);
            }
        }
        None
    }

    /// Asks the person, unless that is never to be done.
    fn ask(&self, question: Question) -> Option<Secret> {
        if self.profile.batch_mode {
            return None;
        }
        match self.observer.ask(&self.profile.login(), question) {
            Answer::Secret { secret, .. } => Some(secret),
            Answer::Yes | Answer::No => None,
        }
    }

    fn tell_accepted(&self, questions: &[Question]) {
        for question in questions {
            self.observer.accepted(&self.profile.login(), question);
        }
    }

    fn with_answers(&mut self) -> Result<Step, FaultCause> {
        const NAME: &str = "keyboard-interactive";
        while !self.profile.batch_mode && self.history.exchanges < self.profile.password_prompts {
            self.history.exchanges += 1;
            let (mut was_asked, mut is_cancelled) = (false, false);
            let mut questions: Vec<Question> = Vec::new();
            self.session.set_timeout(PERSON_TIMEOUT);
            let verdict =
                self.session
                    .with_answers(&self.profile.user, &mut |instruction, asked| {
                        was_asked |= !asked.is_empty();
                        let answers: Option<Vec<Secret>> = asked
                            .iter()
                            .map(|asked| {
                                let question = interactive(instruction, asked);
                                questions.push(question.clone());
                                self.ask(question)
                            })
                            .collect();
                        is_cancelled |= answers.is_none();
                        answers.unwrap_or_default()
                    });
            if is_cancelled && verdict == Verdict::Refused {
                return Ok(Step::Exhausted);
            }
            match self.judge(verdict, NAME)? {
                Step::Next if self.was_partial(NAME)? => {
                    self.tell_accepted(&questions);
                    return Ok(Step::Progress);
                }
                // A server that refuses without a question would do so for ever.
                Step::Next if !was_asked => break,
                Step::Next => {}
                step @ Step::Accepted(_) => {
                    self.tell_accepted(&questions);
                    return Ok(step);
                }
                step => return Ok(step),
            }
        }
        Ok(Step::Exhausted)
    }

    fn with_password(&mut self) -> Result<Step, FaultCause> {
        const NAME: &str = "password";
        while self.history.passwords < self.profile.password_prompts {
            let again = self.history.passwords > 0;
            let question = Question::Password { again };
            let Some(password) = self.ask(question.clone()) else {
                break;
            };
            self.history.passwords += 1;
            self.session.set_timeout(PERSON_TIMEOUT);
            let verdict = self.session.with_password(&self.profile.user, &password);
            match self.judge(verdict, NAME)? {
                Step::Next if self.was_partial(NAME)? => {
                    self.tell_accepted(&[question]);
                    return Ok(Step::Progress);
                }
                Step::Next => {}
                step @ Step::Accepted(_) => {
                    self.tell_accepted(&[question]);
                    return Ok(step);
                }
                step => return Ok(step),
            }
        }
        Ok(Step::Exhausted)
    }
}

fn interactive(instruction: &str, asked: &Asked) -> Question {
    let text = format!("{} {}", instruction.trim(), asked.text.trim());
    Question::Interactive {
        text: printable(text.trim()).into_owned(),
        echo: asked.echo,
    }
}
