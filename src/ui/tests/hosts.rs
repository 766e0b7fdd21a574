//! The first run, the page of hosts, and what questions remember.

use super::*;
use crate::model::{
    ChangedHostKey, ClusterSource, Exposure, KeyCheck, KeyVerdict, Kubeconfig, Language,
    Passphrase, ProbeCheck, ProbeId, ProbeOutcome, ProbeReport, ProbeStep, ProbeTarget,
    ProbeVerdict, ResolvedSshHost, SavedHost, SshHost, SshHosts, VaultStatus, Words, words,
};

const COMMAND: &str =
    "ssh -i ~/key.pem -L 8080:10.0.0.241:80 -L 9090:10.9.9.9:90 ubuntu@203.0.113.7";

fn type_into(window: &mut Window, (role, label): (Role, &str), text: &str) {
    let field = window.harness.get_by_role_and_label(role, label);
    field.focus();
    field.type_text(text);
    window.harness.run();
}

/// Everything that was sent.
fn sent(window: &mut Window) -> Vec<Command> {
    std::iter::from_fn(|| window.commands.try_recv().ok()).collect()
}

fn show(window: &mut Window, change: impl FnOnce(&mut Snapshot)) {
    window
        .snapshots
        .send_modify(|snapshot| change(Arc::make_mut(snapshot)));
    window.harness.run_steps(3);
}

fn pasted() -> Window {
    let mut window = Window::new(Snapshot::default());
    window.click("Paste your ssh command");
    type_into(
        &mut window,
        (Role::MultilineTextInput, "ssh command"),
        COMMAND,
    );
    window
}

#[test]
fn an_empty_window_welcomes_and_offers_three_ways() {
    let window = Window::new(Snapshot::default());
    for label in [
        "Reach your cluster's services from here",
        "Paste your ssh command",
        "Import from ~/.ssh/config",
        "Fill in a host",
    ] {
        assert!(window.shows(label), "{label}");
    }
    let window = Window::new(world());
    assert!(!window.shows("Reach your cluster's services from here"));
}

#[test]
fn a_pasted_command_becomes_a_host_and_its_tunnels() {
    let mut window = pasted();
    assert!(window.shows("ubuntu@203.0.113.7"));
    assert!(window.shows("8080 → 10.0.0.241:80") || window.shows("localhost:8080 → 10.0.0.241:80"));
    let asked = sent(&mut window);
    assert!(
        matches!(&asked[..], [Command::CheckKey { path, .. }] if path.ends_with("key.pem")),
        "the key is looked at once: {asked:?}"
    );
    window.click("Save and open");
    let commands = sent(&mut window);
    let [
        Command::SaveHost(host),
        Command::SelectHost(selected),
        Command::UseCluster(source),
        Command::OpenForwards { host: id, forwards },
    ] = &commands[..]
    else {
        panic!("{commands:?}");
    };
    assert_eq!(host.address, "203.0.113.7");
    assert_eq!(host.user.as_deref(), Some("ubuntu"));
    assert_eq!((selected, id), (&host.id, &host.id));
    assert_eq!(source.through.as_ref(), Some(&host.id));
    assert_eq!(forwards.len(), 2);
}

#[test]
fn a_key_that_others_can_read_is_mended_by_a_button() {
    let mut window = pasted();
    sent(&mut window);
    let check = |verdict| KeyCheck {
        asked: "~/key.pem".into(),
        file: "/home/me/key.pem".into(),
        verdict,
        mended: None,
    };
    show(&mut window, |snapshot| {
        let exposed = Exposure::Mode {
            mode: 0o644,
            wanted: 0o600,
        };
        snapshot.key_checks = vec![check(KeyVerdict::Exposed(exposed))];
    });
    window.click("Fix it: chmod 600");
    assert!(matches!(window.command(), Command::FixKeyPermissions(_)));
    show(&mut window, |snapshot| {
        snapshot.key_checks = vec![check(KeyVerdict::Usable {
            kind: Some("Ed25519"),
            format: "OpenSSH",
            passphrase: Passphrase::None,
        })];
    });
    assert!(!window.shows("Fix it: chmod 600"));
    assert!(window.shows("key.pem is a private key (Ed25519, OpenSSH)."));
}

#[test]
fn what_is_not_understood_is_said_and_cannot_be_saved() {
    let mut window = Window::new(Snapshot::default());
    window.click("Paste your ssh command");
    type_into(
        &mut window,
        (Role::MultilineTextInput, "ssh command"),
        "ssh -L nonsense host",
    );
    assert!(!window.shows("Save and open"));
    assert!(
        window
            .harness
            .query_by_label_contains("Not understood yet")
            .is_some()
    );
}

#[test]
fn a_test_shows_each_hop_as_it_comes_and_a_changed_key_has_no_button_to_accept_it() {
    let mut window = pasted();
    sent(&mut window);
    window.click("Test");
    let command = window.command();
    let Command::TestHost(host) = command else {
        panic!("{command:?}");
    };
    let hop = || "ubuntu@203.0.113.7".to_owned();
    let step = |check, outcome| ProbeStep { check, outcome };
    let passed = ProbeOutcome::Passed {
        micros: Some(12_345),
        note: None,
    };
    let changed = Fault {
        hop: Hop::Ssh(hop()),
        cause: FaultCause::HostKeyChanged(Box::new(ChangedHostKey {
            key_type: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:new".to_owned(),
            held: "ssh-ed25519 SHA256:old".to_owned(),
            name: "203.0.113.7".to_owned(),
            file: "/home/me/.ssh/known_hosts".into(),
            line: 7,
        })),
    };
    show(&mut window, |snapshot| {
        snapshot.probes = vec![Arc::new(ProbeReport {
            id: ProbeId(1),
            target: ProbeTarget::Host(host.id.clone()),
            host: Some(hop()),
            started: Moment::START,
            steps: vec![
                step(ProbeCheck::Connect { hop: hop() }, passed),
                step(
                    ProbeCheck::HostKey { hop: hop() },
                    ProbeOutcome::Failed {
                        fault: changed,
                        likely: None,
                    },
                ),
            ],
            pods_left_out: 0,
            verdict: ProbeVerdict::Broken { first: 1 },
        })];
    });
    for label in [
        "Connect to ubuntu@203.0.113.7",
        "12 ms",
        "The host's key has changed",
        "ssh-ed25519 SHA256:new",
        "ssh-ed25519 SHA256:old",
        "in /home/me/.ssh/known_hosts:7",
        "ssh-keygen -R 203.0.113.7 -f /home/me/.ssh/known_hosts",
        "Copy the command",
    ] {
        assert!(window.shows(label), "{label}");
    }
    for label in ["Trust this host", "Accept", "Continue"] {
        assert!(!window.shows(label), "{label}");
    }
}

#[test]
fn hosts_of_ssh_config_are_ticked_and_added() {
    let mut window = Window::new(Snapshot::default());
    window.click("Import from ~/.ssh/config");
    assert!(matches!(window.command(), Command::ListSshHosts));
    show(&mut window, |snapshot| {
        let host = |alias: &str, resolved| SshHost {
            alias: alias.to_owned(),
            resolved,
        };
        let resolved = ResolvedSshHost {
            login: "ubuntu@10.0.0.100".to_owned(),
            ..ResolvedSshHost::default()
        };
        snapshot.ssh_hosts = Some(Arc::new(SshHosts {
            file: "~/.ssh/config".to_owned(),
            hosts: vec![
                host("node-1", Ok(resolved)),
                host("bad", Err("line 3: nonsense".to_owned().into())),
            ],
            problem: None,
        }));
    });
    assert!(window.shows("line 3: nonsense"));
    window.click("node-1");
    window.click("Add one host");
    let commands = sent(&mut window);
    assert!(
        matches!(&commands[..], [Command::SaveHost(host), Command::SelectHost(_), Command::UseCluster(_)] if host.address == "node-1"),
        "{commands:?}"
    );
}

#[test]
fn where_ssh_config_names_no_host_the_other_ways_are_there() {
    let mut window = Window::new(Snapshot::default());
    window.click("Import from ~/.ssh/config");
    assert!(!window.shows("Fill in a host"), "it is being read");
    show(&mut window, |snapshot| {
        snapshot.ssh_hosts = Some(Arc::new(SshHosts {
            file: "~/.ssh/config".to_owned(),
            ..SshHosts::default()
        }));
    });
    assert!(window.shows("~/.ssh/config names no host."));
    assert!(window.shows("Paste your ssh command"));
    window.click("Fill in a host");
    type_into(&mut window, (Role::TextInput, "Host"), "203.0.113.9");
    window.click("Save");
    let commands = sent(&mut window);
    assert!(
        matches!(
            &commands[..],
            [Command::ListSshHosts, Command::SaveHost(_), ..]
        ),
        "{commands:?}"
    );
}

#[test]
fn a_line_that_spoils_every_host_is_said_once() {
    let mut window = Window::new(Snapshot::default());
    window.click("Import from ~/.ssh/config");
    show(&mut window, |snapshot| {
        let bad = |alias: &str| SshHost {
            alias: alias.to_owned(),
            resolved: Err("line 3: nonsense".to_owned().into()),
        };
        snapshot.ssh_hosts = Some(Arc::new(SshHosts {
            hosts: vec![bad("node-1"), bad("node-2")],
            ..SshHosts::default()
        }));
    });
    let said = window.harness.query_all_by_label("line 3: nonsense");
    assert_eq!(said.count(), 1);
    assert!(window.shows("node-1") && window.shows("node-2"));
}

#[test]
fn what_ssh_config_has_wrongly_is_said_in_the_persons_language_and_copied() {
    let problem = words!(
        "{path}, line {line}: {problem}",
        path = "~/.ssh/config",
        line = 3_usize,
        problem = words!("a quote is not closed")
    );
    let told = "~/.ssh/config, 3번째 줄: 따옴표가 닫히지 않았습니다";
    let mut korean = world();
    Arc::make_mut(&mut korean.settings).window.language = Language::Korean;
    let host = SavedHost::new("node", "203.0.113.9");
    korean.host_problems = vec![(host.id.clone(), problem.clone())];
    korean.saved_hosts.insert(host.id.clone(), Arc::new(host));
    let mut window = Window::new(korean);
    window.click("호스트");
    window.click("node 테스트");
    assert!(window.shows(told));
    window.click("~/.ssh/config에서 가져오기");
    show(&mut window, |snapshot| {
        snapshot.ssh_hosts = Some(Arc::new(SshHosts {
            problem: Some(problem),
            ..SshHosts::default()
        }));
    });
    assert!(window.shows(told));
    window.harness.get_by_label("문제 내용 복사").click();
    window.harness.step();
    let commands = &window.harness.output().platform_output.commands;
    assert!(
        commands.iter().any(|command| {
            matches!(command, egui::OutputCommand::CopyText(text) if text == told)
        }),
        "{commands:?}"
    );
}

#[test]
fn a_host_is_filled_in_changed_and_removed_after_a_second_click() {
    let mut window = Window::new(world());
    window.click("Hosts");
    window.click("Fill in a host");
    type_into(&mut window, (Role::TextInput, "Host"), "203.0.113.9");
    type_into(&mut window, (Role::TextInput, "User"), "admin");
    window.click("Save");
    let commands = sent(&mut window);
    let Command::SaveHost(host) = &commands[0] else {
        panic!("{commands:?}");
    };
    assert_eq!(
        (host.id.as_str(), host.user.as_deref()),
        ("203.0.113.9", Some("admin"))
    );

    let saved = host.clone();
    show(&mut window, |snapshot| {
        snapshot
            .saved_hosts
            .insert(saved.id.clone(), Arc::new(*saved));
    });
    window.click("Hosts");
    window.click("Edit 203.0.113.9");
    type_into(&mut window, (Role::TextInput, "Port"), "2222");
    window.click("Save");
    let commands = sent(&mut window);
    assert!(
        matches!(&commands[..], [Command::SaveHost(host)] if host.port == Some(2222)),
        "{commands:?}"
    );

    window.click("Hosts");
    window.click("Remove 203.0.113.9");
    assert!(
        window.commands.try_recv().is_err(),
        "one click removes nothing"
    );
    window.click("Remove it");
    assert!(matches!(window.command(), Command::RemoveHost(id) if id.as_str() == "203.0.113.9"));
}

#[test]
fn the_cluster_of_a_host_is_chosen_and_changed() {
    let mut snapshot = world();
    let mut host = SavedHost::new("node", "203.0.113.9");
    host.cluster = Some(ClusterSource::local(None, Some("prod".to_owned())));
    snapshot.selected_host = Some(host.id.clone());
    snapshot.cluster.source = host.cluster_source();
    let id = host.id.clone();
    snapshot
        .saved_hosts
        .insert(id.clone(), Arc::new(host.clone()));
    let mut window = Window::new(snapshot);
    window.click("Hosts");
    window.click("Edit node");
    window.click("Reach its API through this host");
    window.click("Save");
    let commands = sent(&mut window);
    let expected = ClusterSource {
        through: Some(id.clone()),
        ..host.cluster_source()
    };
    let [Command::SaveHost(saved), Command::UseCluster(used)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!((saved.cluster.as_ref(), used), (Some(&expected), &expected));

    window.click("Hosts");
    window.click("Edit node");
    let combo = |window: &Window| {
        let combo = window
            .harness
            .get_by_role_and_label(Role::ComboBox, "Cluster");
        combo.value()
    };
    assert_eq!(
        combo(&window).as_deref(),
        Some("the one of a kubeconfig on this computer")
    );
    window
        .harness
        .get_by_role_and_label(Role::ComboBox, "Cluster")
        .click();
    window.harness.run();
    window.click("the one of a kubeconfig on this host");
    assert!(!window.shows("Reach its API through this host"));
    type_into(
        &mut window,
        (Role::TextInput, "Kubeconfig"),
        "/etc/rancher/k3s/k3s.yaml",
    );
    window.click("Save");
    let commands = sent(&mut window);
    let Command::SaveHost(saved) = &commands[0] else {
        panic!("{commands:?}");
    };
    let expected = ClusterSource {
        kubeconfig: Kubeconfig::OnHost {
            path: Some("/etc/rancher/k3s/k3s.yaml".to_owned()),
        },
        context: Some("prod".to_owned()),
        through: Some(id),
    };
    assert_eq!(saved.cluster, Some(expected));
}

#[test]
fn a_host_without_a_kubeconfig_is_a_click_from_its_form() {
    let mut failed = snapshot(Vec::new(), host(up()));
    let saved = SavedHost::new(failed.hosts[0].profile.id.as_str(), "10.0.0.100");
    failed.selected_host = Some(saved.id.clone());
    failed.cluster.source = saved.cluster_source();
    failed.cluster.state = ClusterState::Failed(ClusterFault {
        code: "kubeconfig",
        message: "There is none.".to_owned().into(),
        hint: "Name another file.".to_owned().into(),
    });
    let edit = format!("Edit {}", saved.id);
    assert!(!Window::new(failed.clone()).shows(&edit), "it is not saved");
    failed.saved_hosts.insert(saved.id.clone(), Arc::new(saved));
    let mut window = Window::new(failed);
    window.click(&edit);
    assert!(window.shows("Change a host"));
    type_into(
        &mut window,
        (Role::TextInput, "Kubeconfig"),
        "/srv/kube.conf",
    );
    window.click("Save");
    let commands = sent(&mut window);
    assert!(
        matches!(&commands[..], [Command::SaveHost(_), Command::UseCluster(source)]
            if source.kubeconfig == Kubeconfig::OnHost { path: Some("/srv/kube.conf".to_owned()) }),
        "{commands:?}"
    );
}

#[test]
fn a_form_that_makes_no_sense_says_why_it_is_not_saved() {
    for (field, text, words) in [
        ("Port", "abc", "'abc' is not a port from 1 to 65535."),
        ("Host", "a b", "'a b' is no host: it has a space in it."),
        ("Name", "-x", "a name begins with a letter or a digit."),
    ] {
        let mut window = Window::new(Snapshot::default());
        window.click("Fill in a host");
        assert!(window.shows("What is left empty is as ~/.ssh/config has it."));
        type_into(&mut window, (Role::TextInput, field), text);
        assert!(window.shows(words), "{words}");
    }
}

#[test]
fn an_answer_is_remembered_only_where_that_is_ticked_and_there_is_a_keyring() {
    let ask = |vault: VaultStatus| {
        let mut asked = asking(Question::Password { again: false });
        asked.vault = vault;
        Window::new(asked)
    };
    for vault in [VaultStatus::Off, VaultStatus::Locked, absent()] {
        assert!(!ask(vault).shows("Remember in the keyring"));
    }
    // One that is slow takes the answer when it comes.
    let (slow, ready) = (VaultStatus::Opening, VaultStatus::Ready);
    for (vault, tick) in [(slow, true), (ready.clone(), false), (ready, true)] {
        let mut window = ask(vault);
        if tick {
            window.click("Remember in the keyring");
        }
        type_into(&mut window, (Role::PasswordInput, "Password"), "hunter2");
        window.click("Continue");
        match window.command() {
            Command::Answer {
                answer: Answer::Secret { secret, remember },
                ..
            } => {
                assert_eq!(secret.expose(), "hunter2");
                assert_eq!(remember, tick);
            }
            other => panic!("{other:?}"),
        }
    }
    let mut code = asking(Question::Interactive {
        text: "Verification code:".to_owned(),
        echo: false,
    });
    code.vault = VaultStatus::Ready;
    assert!(!Window::new(code).shows("Remember in the keyring"));
}

#[test]
fn a_keyring_that_is_locked_or_absent_is_said_and_looked_for_again() {
    for (vault, words, button) in [
        (VaultStatus::Locked, "The keyring is locked", "Unlock it …"),
        (absent(), "Install one.", "Look again"),
    ] {
        // On the welcome, and on the page of hosts.
        for snapshot in [Snapshot::default(), world()] {
            let is_first_run = snapshot.hosts.is_empty();
            let mut window = Window::new(Snapshot {
                vault: vault.clone(),
                ..snapshot
            });
            if !is_first_run {
                window.click("Hosts");
            }
            assert!(
                window.harness.query_by_label_contains(words).is_some(),
                "{words}"
            );
            window.click(button);
            assert!(matches!(window.command(), Command::UnlockVault));
            show(&mut window, |snapshot| snapshot.vault = VaultStatus::Ready);
            assert!(!window.shows(button));
        }
    }
}

fn absent() -> VaultStatus {
    VaultStatus::Absent {
        reason: "no bus".to_owned(),
        remedy: Words::quoted("Install one."),
    }
}
