//! Ticking hosts of ssh_config.

use egui::Ui;

use super::{add, steps, welcome};
use crate::l10n::tr;
use crate::model::{
    Command, ForwardSpec, HostId, SavedHost, SshHost, SshHosts, Words, printable, ssh_command,
};
use crate::ui::scene::Scene;
use crate::ui::{theme, widgets};

pub(super) fn import_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    welcome::head_ui(ui, scene, tr!(scene, "way-import"));
    let Some(found) = scene.snapshot.ssh_hosts.clone() else {
        ui.label(theme::weak(ui, tr!(scene, "hosts-working")));
        return;
    };
    if let Some(problem) = &found.problem {
        ui.horizontal_wrapped(|ui| widgets::problem_ui(ui, &scene.lang.say(problem)));
    } else if found.hosts.is_empty() {
        ui.label(tr!(scene, "import-none", file = &found.file));
    } else {
        ui.label(theme::weak(
            ui,
            tr!(scene, "import-words", file = &found.file),
        ));
    }
    if found.hosts.is_empty() {
        ui.add_space(theme::GROUP_GAP);
        welcome::ways_ui(ui, scene);
        return;
    }
    ui.add_space(8.0);
    // A line that makes no sense keeps every host from being read, and is said once.
    let common = common_problem(&found.hosts);
    if let Some(problem) = common {
        ui.horizontal_wrapped(|ui| widgets::problem_ui(ui, &scene.lang.say(problem)));
    }
    for host in &found.hosts {
        host_ui(ui, scene, host, common.is_some());
    }
    buttons_ui(ui, scene, &found);
}

/// What is wrong with all of several hosts.
fn common_problem(hosts: &[SshHost]) -> Option<&Words> {
    let (first, others) = hosts.split_first()?;
    let problem = first.resolved.as_ref().err()?;
    let is_same = |host: &SshHost| host.resolved.as_ref().err() == Some(problem);
    (!others.is_empty() && others.iter().all(is_same)).then_some(problem)
}

fn host_ui(ui: &mut Ui, scene: &mut Scene<'_>, host: &SshHost, is_said: bool) {
    let id = saved(&host.alias).id;
    let known = scene.snapshot.saved_hosts.contains_key(&id);
    ui.horizontal_wrapped(|ui| {
        let mut ticked = scene.view.hosts.ticked.contains(&host.alias);
        let usable = host.resolved.is_ok() && !known;
        let name = printable(&host.alias);
        let tick = ui.add_enabled(
            usable,
            egui::Checkbox::new(&mut ticked, theme::strong(name)),
        );
        if tick.changed() {
            if ticked {
                scene.view.hosts.ticked.insert(host.alias.clone());
            } else {
                scene.view.hosts.ticked.remove(&host.alias);
            }
        }
        match &host.resolved {
            Ok(resolved) => {
                let mut words = vec![resolved.login.clone()];
                if !resolved.via.is_empty() {
                    words.push(tr!(scene, "import-via", hosts = resolved.via.join(" → ")));
                }
                words.extend(resolved.identities.first().cloned());
                if !resolved.forwards.is_empty() {
                    let count = resolved.forwards.len();
                    words.push(tr!(scene, "import-forwards", count = count));
                }
                ui.label(theme::weak(ui, printable(&words.join("  ·  "))));
                if known {
                    ui.label(theme::weak(ui, tr!(scene, "import-known")));
                } else if ui.small_button(tr!(scene, "hosts-test")).clicked() {
                    let host = saved(&host.alias);
                    scene.view.hosts.tested = Some(host.id.clone());
                    scene.commands.push(Command::TestHost(Box::new(host)));
                }
            }
            Err(_) if is_said => {}
            Err(problem) => widgets::problem_ui(ui, &scene.lang.say(problem)),
        }
    });
    if scene.view.hosts.tested.as_ref() == Some(&id) {
        steps::steps_ui(ui, scene, &id);
        ui.add_space(theme::GROUP_GAP);
    }
}

fn buttons_ui(ui: &mut Ui, scene: &mut Scene<'_>, found: &SshHosts) {
    let chosen: Vec<&SshHost> = found
        .hosts
        .iter()
        .filter(|host| scene.view.hosts.ticked.contains(&host.alias))
        .collect();
    ui.add_space(theme::GROUP_GAP);
    let text = tr!(scene, "import-add", count = chosen.len());
    let added = ui
        .add_enabled_ui(!chosen.is_empty(), |ui| {
            widgets::primary_button_ui(ui, &text).clicked()
        })
        .inner;
    if !added {
        return;
    }
    // The first one ticked carries the services; it is saved last, so that it is the one selected.
    for host in chosen.into_iter().rev() {
        add::save_host(scene, saved(&host.alias), forwards_of(host));
    }
    super::leave(scene);
}

/// The forwards that ssh_config has for a host are opened with it.
fn forwards_of(host: &SshHost) -> Vec<ForwardSpec> {
    host.resolved
        .as_ref()
        .map(|resolved| resolved.forwards.clone())
        .unwrap_or_default()
}

/// The host as it is saved: all but its name is left to ssh_config.
fn saved(alias: &str) -> SavedHost {
    let mut host = SavedHost::new(&ssh_command::name_for(alias), alias);
    if SavedHost::check_name(alias).is_ok() {
        host.id = HostId::new(alias);
    }
    host
}
