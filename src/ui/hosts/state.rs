//! What the page of hosts remembers while the person is at it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc;

use super::cluster::ClusterChoice;
use crate::model::{HostId, HostNameError, ProbeId, SavedHost, Words, ssh_command, words};
use crate::ui::save::SaveDrawing;

/// Nothing on this system shows a dialog for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no dialog for files")]
pub struct NoDialog;

/// What becomes of a file that was picked; none where the person picked none.
pub type Picked = Box<dyn FnOnce(Result<Option<PathBuf>, NoDialog>) + Send>;

/// Has the person pick a file, and does not wait for that.
pub type PickFile = fn(Picked);

/// What the window can have done outside itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tools {
    /// The system's dialog to pick a file; none where there is none.
    pub pick_file: Option<PickFile>,
    /// Opens the demo in a window of its own.
    pub open_demo: Option<fn()>,
    /// Has a drawing written into a file that the person names; none where there is no dialog for that.
    pub save_drawing: Option<SaveDrawing>,
}

/// A way to bring a host along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Paste an ssh command.
    Paste,
    /// Tick hosts of ssh_config.
    Import,
    /// Fill in a form.
    Fill,
}

/// The state of the page.
#[derive(Debug, Default)]
pub(in crate::ui) struct HostsView {
    pub(in crate::ui) tools: Tools,
    /// The way of adding that is open.
    pub(super) way: Option<Way>,
    /// The pasted command.
    pub(super) pasted: String,
    /// What the host is to be called, where the person has said so.
    pub(super) pasted_name: Option<String>,
    /// The key that was picked in place of the command's own.
    pub(super) pasted_key: Option<PathBuf>,
    pub(super) form: Form,
    /// The hosts of ssh_config that are ticked.
    pub(super) ticked: BTreeSet<String>,
    /// The host that is about to be removed: a second click does it.
    pub(super) removing: Option<HostId>,
    /// The key files that the engine was asked about.
    pub(super) asked_keys: BTreeSet<PathBuf>,
    /// The host that was tried last.
    pub(super) tested: Option<HostId>,
    /// The same as it was filled in then.
    pub(super) tested_as: Option<SavedHost>,
    /// The test whose end has been scrolled to.
    pub(super) seen: Option<ProbeId>,
    picking: Option<mpsc::Receiver<Result<Option<PathBuf>, NoDialog>>>,
    /// No dialog could be shown to pick a file: the path has to be typed.
    pub(super) no_dialog: bool,
}

/// The fields of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// The host that is changed, as it is saved; none for a new one.
    pub(super) editing: Option<SavedHost>,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) user: String,
    pub(super) port: String,
    pub(super) key: String,
    pub(super) jumps: String,
    pub(super) cluster: ClusterChoice,
}

impl HostsView {
    /// Forgets what was being added.
    pub(super) fn close(&mut self) {
        *self = Self {
            tools: self.tools,
            ..Self::default()
        };
    }

    /// Goes back from a way of adding to the page itself. What was typed is there when the way is taken again.
    pub(in crate::ui) fn leave_way(&mut self) {
        self.way = None;
        self.removing = None;
    }

    /// Has the person pick a key file.
    pub(super) fn pick(&mut self, ctx: &egui::Context) {
        let Some(pick_file) = self.tools.pick_file else {
            return;
        };
        let (sender, receiver) = mpsc::channel();
        let ctx = ctx.clone();
        self.no_dialog = false;
        pick_file(Box::new(move |picked| {
            let _page_was_left = sender.send(picked);
            ctx.request_repaint();
        }));
        self.picking = Some(receiver);
    }

    /// The file that has been picked meanwhile.
    pub(super) fn picked(&mut self) -> Option<PathBuf> {
        let answer = self.picking.as_ref()?.try_recv();
        match answer {
            Err(mpsc::TryRecvError::Empty) => None,
            Ok(picked) => {
                self.picking = None;
                self.no_dialog = picked.is_err();
                picked.ok().flatten()
            }
            Err(mpsc::TryRecvError::Disconnected) => {
                self.picking = None;
                None
            }
        }
    }
}

impl Form {
    /// The form for a host that is saved.
    pub(super) fn of(host: &SavedHost) -> Self {
        Self {
            editing: Some(host.clone()),
            name: host.id.to_string(),
            address: host.address.clone(),
            user: host.user.clone().unwrap_or_default(),
            port: host.port.map(|port| port.to_string()).unwrap_or_default(),
            key: host
                .identities
                .first()
                .map(|path| path.to_string_lossy().into_owned())
                .unwrap_or_default(),
            jumps: host.jumps.join(", "),
            cluster: ClusterChoice::of(host),
        }
    }

    /// What of it makes no sense, if anything: it is not saved so. What is only missing is no problem.
    pub(super) fn problem(&self) -> Option<Words> {
        let (address, name, port) = (self.address.trim(), self.name.trim(), self.port.trim());
        if address.contains(char::is_whitespace) {
            return Some(words!(
                "'{address}' is no host: it has a space in it",
                address = address
            ));
        }
        if !port.is_empty() && !port.parse().is_ok_and(|port: u16| port > 0) {
            return Some(words!(
                "'{text}' is not a port from 1 to 65535",
                text = port
            ));
        }
        if name.is_empty() {
            return None;
        }
        SavedHost::check_name(name).err().map(HostNameError::words)
    }

    /// The host that it describes; none while something is missing or makes no sense. What the form does not show of a host
    /// that is changed stays as it is.
    pub(super) fn host(&self) -> Option<SavedHost> {
        let address = self.address.trim();
        let name = match self.name.trim() {
            "" => ssh_command::name_for(address),
            name => name.to_owned(),
        };
        if address.is_empty() || address.contains(char::is_whitespace) {
            return None;
        }
        SavedHost::check_name(&name).ok()?;
        let mut host = self
            .editing
            .clone()
            .unwrap_or_else(|| SavedHost::new(&name, address));
        host.id = HostId::new(&name);
        address.clone_into(&mut host.address);
        host.user = Some(self.user.trim())
            .filter(|user| !user.is_empty())
            .map(str::to_owned);
        host.port = match self.port.trim() {
            "" => None,
            text => Some(text.parse().ok().filter(|port| *port > 0)?),
        };
        let others = host.identities.drain(..).skip(1);
        let first = Some(self.key.trim())
            .filter(|key| !key.is_empty())
            .map(PathBuf::from);
        host.identities = first
            .into_iter()
            .chain(others.collect::<Vec<_>>())
            .collect();
        host.jumps = self
            .jumps
            .split(',')
            .map(str::trim)
            .filter(|hop| !hop.is_empty())
            .map(str::to_owned)
            .collect();
        host.cluster = self.cluster.source(&host.id);
        Some(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_what_it_does_not_show() {
        let mut host = SavedHost::new("node", "10.0.0.1");
        host.user = Some("ubuntu".to_owned());
        host.port = Some(2222);
        host.identities = vec!["a.pem".into(), "b.pem".into()];
        host.jumps = vec!["bastion".to_owned(), "inner".to_owned()];
        host.options = vec!["Compression=yes".to_owned()];
        let mut form = Form::of(&host);
        assert_eq!(form.host(), Some(host.clone()));
        form.key = "c.pem".to_owned();
        form.port.clear();
        let changed = form.host().unwrap();
        assert_eq!(changed.identities, [PathBuf::from("c.pem"), "b.pem".into()]);
        assert_eq!((changed.port, changed.options), (None, host.options));
    }

    #[test]
    fn what_makes_no_host_is_none() {
        let good = Form {
            address: "node".to_owned(),
            ..Form::default()
        };
        assert_eq!(good.host().unwrap().id.as_str(), "node");
        for form in [
            Form::default(),
            Form {
                port: "0".to_owned(),
                ..good.clone()
            },
            Form {
                port: "ssh".to_owned(),
                ..good.clone()
            },
            Form {
                name: "a b".to_owned(),
                ..good.clone()
            },
            Form {
                address: "a b".to_owned(),
                ..good
            },
        ] {
            assert_eq!(form.host(), None, "{form:?}");
        }
    }
}
