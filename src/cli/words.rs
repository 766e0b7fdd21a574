//! What becomes of tunnels, in words for stderr: what is new and matters, once.

use std::collections::BTreeMap;

use crate::model::{Fault, Notice, Snapshot, TunnelId, TunnelState, TunnelStatus};

/// Remembers what was said, so that nothing is said twice.
#[derive(Debug, Default)]
pub(super) struct Words {
    said: BTreeMap<TunnelId, Said>,
    last_notice: Option<Notice>,
}

#[derive(Debug, Default)]
struct Said {
    dialing: bool,
    trouble: Option<Fault>,
}

impl Words {
    /// The lines that `snapshot` gives reason for.
    pub(super) fn lines(
        &mut self,
        snapshot: &Snapshot,
        name: impl Fn(&TunnelStatus) -> String,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, status) in &snapshot.tunnels {
            let said = self.said.entry(id.clone()).or_default();
            lines.extend(said.line(snapshot, status, &name(status)));
        }
        lines.extend(self.notices(snapshot));
        lines
    }

    /// The notices that came after the last one that was said.
    fn notices(&mut self, snapshot: &Snapshot) -> Vec<String> {
        let new = snapshot.notices_after(self.last_notice.as_ref());
        if let Some(last) = new.last() {
            self.last_notice = Some(last.clone());
        }
        new.iter().map(|notice| notice.text.to_string()).collect()
    }
}

impl Said {
    fn line(&mut self, snapshot: &Snapshot, status: &TunnelStatus, name: &str) -> Option<String> {
        match &status.state {
            TunnelState::Dialing { hop } if !self.dialing => {
                self.dialing = true;
                Some(format!("{name}: connecting to {hop}"))
            }
            TunnelState::Waiting {
                retry_at, fault, ..
            } if self.trouble.as_ref() != Some(fault) => {
                self.trouble = Some(fault.clone());
                let then = match retry_at {
                    Some(at) => {
                        format!("Next try in {} s.", at.since(snapshot.now).as_secs().max(1))
                    }
                    None => "Waiting for the cluster to change.".to_owned(),
                };
                Some(format!("{name}: {fault}. {} {then}", fault.next_step()))
            }
            TunnelState::Open { .. } if self.trouble.take().is_some() => {
                Some(format!("{name}: open again"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::cli::fixtures::{forward_status, session_lost};
    use crate::model::Moment;

    fn say(words: &mut Words, snapshot: &mut Snapshot, state: TunnelState) -> Vec<String> {
        let status = forward_status(0, state);
        snapshot
            .tunnels
            .insert(status.spec.id.clone(), Arc::new(status));
        words.lines(snapshot, |_| "ui".to_owned())
    }

    #[test]
    fn trouble_is_said_once_and_so_is_its_end() {
        let mut words = Words::default();
        let mut snapshot = Snapshot::default();
        let dialing = || TunnelState::Dialing {
            hop: "u@h".to_owned(),
        };
        let open = || TunnelState::Open {
            since: Moment::START,
        };
        let waiting = |attempt| TunnelState::Waiting {
            attempt,
            retry_at: Some(Moment::after_start(Duration::from_secs(2))),
            fault: session_lost(),
        };
        assert_eq!(
            say(&mut words, &mut snapshot, dialing()),
            ["ui: connecting to u@h"]
        );
        assert_eq!(say(&mut words, &mut snapshot, open()), Vec::<String>::new());
        let lines = say(&mut words, &mut snapshot, waiting(1));
        assert!(
            lines[0].contains("was lost") && lines[0].ends_with("Next try in 2 s."),
            "{lines:?}"
        );
        assert_eq!(
            say(&mut words, &mut snapshot, dialing()),
            Vec::<String>::new()
        );
        assert_eq!(
            say(&mut words, &mut snapshot, waiting(2)),
            Vec::<String>::new()
        );
        assert_eq!(say(&mut words, &mut snapshot, open()), ["ui: open again"]);
    }

    #[test]
    fn notices_are_said_once() {
        let mut words = Words::default();
        let mut snapshot = Snapshot::default();
        let notice = |text: &str| Notice {
            at: Moment::START,
            tunnel: None,
            text: text.to_owned().into(),
        };
        snapshot.notices = vec![notice("a"), notice("b")];
        assert_eq!(words.lines(&snapshot, |_| String::new()), ["a", "b"]);
        snapshot.notices.push(notice("c"));
        assert_eq!(words.lines(&snapshot, |_| String::new()), ["c"]);
        assert_eq!(
            words.lines(&snapshot, |_| String::new()),
            Vec::<String>::new()
        );
    }
}
