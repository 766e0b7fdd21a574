//! Which cluster a host stands for, as the form has it.

use std::path::PathBuf;

use egui::{ComboBox, Ui};

use super::add::{field_ui, line_ui};
use crate::l10n::{Lang, id, tr};
use crate::model::{ClusterSource, HostId, Kubeconfig, SavedHost};

/// Where the kubeconfig is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// On the host.
    #[default]
    OnHost,
    /// On this computer.
    Here,
}

impl Place {
    const ALL: [Self; 2] = [Self::OnHost, Self::Here];

    fn word(self, lang: Lang) -> &'static str {
        lang.text(match self {
            Self::OnHost => id!("cluster-on-host"),
            Self::Here => id!("cluster-here"),
        })
    }

    /// What an empty field for the file means.
    fn hint(self, lang: Lang) -> &'static str {
        lang.text(match self {
            Self::OnHost => id!("cluster-on-host-hint"),
            Self::Here => id!("cluster-here-hint"),
        })
    }
}

/// What the person has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClusterChoice {
    pub(super) place: Place,
    /// The kubeconfig; empty is where it usually is.
    pub(super) file: String,
    /// The context in it; empty is its current one.
    pub(super) context: String,
    /// Whether the API is reached through this host, though the kubeconfig is here.
    pub(super) through: bool,
    /// Another host through which the API is reached: not shown, and kept.
    other: Option<HostId>,
}

impl ClusterChoice {
    /// The choice that a saved host has.
    pub(super) fn of(host: &SavedHost) -> Self {
        let source = host.cluster_source();
        let (place, file) = match source.kubeconfig {
            Kubeconfig::Default => (Place::Here, String::new()),
            Kubeconfig::File(file) => (Place::Here, file.to_string_lossy().into_owned()),
            Kubeconfig::OnHost { path } => (Place::OnHost, path.unwrap_or_default()),
        };
        Self {
            place,
            file,
            context: source.context.unwrap_or_default(),
            through: place == Place::Here && source.through.as_ref() == Some(&host.id),
            other: source.through.filter(|through| *through != host.id),
        }
    }

    /// What is saved for the host of this name; none is the rule, a kubeconfig that is looked for on the host.
    pub(super) fn source(&self, host: &HostId) -> Option<ClusterSource> {
        let (file, context) = (self.file.trim(), self.context.trim());
        let kubeconfig = match self.place {
            Place::OnHost => Kubeconfig::OnHost {
                path: (!file.is_empty()).then(|| file.to_owned()),
            },
            Place::Here if file.is_empty() => Kubeconfig::Default,
            Place::Here => Kubeconfig::File(PathBuf::from(file)),
        };
        let through_this = self.place == Place::OnHost || self.through;
        let source = ClusterSource {
            kubeconfig,
            context: (!context.is_empty()).then(|| context.to_owned()),
            through: self
                .other
                .clone()
                .or_else(|| through_this.then(|| host.clone())),
        };
        (source != ClusterSource::on_host(host.clone())).then_some(source)
    }
}

/// The lines of the form.
pub(super) fn choice_ui(ui: &mut Ui, lang: Lang, choice: &mut ClusterChoice) {
    line_ui(ui, tr!(lang, "cluster-choice"), |ui| {
        let name = tr!(lang, "cluster-choice");
        let combo = ComboBox::from_id_salt("cluster place")
            .width(ui.max_rect().width().min(340.0))
            .selected_text(choice.place.word(lang))
            .show_ui(ui, |ui| {
                for place in Place::ALL {
                    let changed = ui
                        .selectable_value(&mut choice.place, place, place.word(lang))
                        .changed();
                    if changed {
                        // A path there is none here.
                        choice.file.clear();
                    }
                }
            });
        combo.response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, true, name);
            info.current_text_value = Some(choice.place.word(lang).to_owned());
            info
        });
    });
    ui.add_space(2.0);
    field_ui(
        ui,
        tr!(lang, "cluster-file"),
        &mut choice.file,
        choice.place.hint(lang),
    );
    field_ui(
        ui,
        tr!(lang, "cluster-context"),
        &mut choice.context,
        tr!(lang, "cluster-context-hint"),
    );
    if choice.place == Place::Here && choice.other.is_none() {
        line_ui(ui, "", |ui| {
            ui.checkbox(&mut choice.through, tr!(lang, "cluster-through"));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(cluster: Option<ClusterSource>) -> SavedHost {
        let mut host = SavedHost::new("node", "203.0.113.7");
        host.cluster = cluster;
        host
    }

    fn through(kubeconfig: Kubeconfig, through: Option<&str>) -> ClusterSource {
        ClusterSource {
            kubeconfig,
            context: Some("prod".to_owned()),
            through: through.map(HostId::new),
        }
    }

    #[test]
    fn what_is_saved_comes_back_as_it_was() {
        let there = |path: Option<&str>| Kubeconfig::OnHost {
            path: path.map(str::to_owned),
        };
        let file = Kubeconfig::File("/home/a/kube.yaml".into());
        for source in [
            None,
            Some(ClusterSource::default()),
            Some(through(there(Some("/etc/k.conf")), Some("node"))),
            Some(through(there(None), Some("other"))),
            Some(through(file.clone(), None)),
            Some(through(file.clone(), Some("node"))),
            Some(through(file, Some("other"))),
        ] {
            let host = host(source.clone());
            assert_eq!(ClusterChoice::of(&host).source(&host.id), source);
        }
    }

    #[test]
    fn a_host_that_is_renamed_goes_on_being_the_way() {
        let host = host(Some(through(Kubeconfig::Default, Some("node"))));
        let renamed = ClusterChoice::of(&host).source(&HostId::new("new"));
        assert_eq!(renamed.unwrap().through, Some(HostId::new("new")));
    }

    #[test]
    fn the_rule_is_not_written_down() {
        let id = HostId::new("node");
        let host = host(Some(ClusterSource::on_host(id.clone())));
        assert_eq!(ClusterChoice::of(&host).source(&id), None);
        assert_eq!(ClusterChoice::default().source(&id), None);
    }
}
