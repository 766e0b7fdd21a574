use proptest::prelude::*;

use super::*;
use crate::model::{
    Behaviour, BindAddress, Destination, HostId, Intent, Language, Light, ListFilter, LocalBind,
    Route, ServiceKey, ServiceType, Theme, TunnelId, WantedTarget, WantedTunnel, WindowSettings,
};

fn rich_window() -> WindowSettings {
    WindowSettings {
        language: Language::Korean,
        theme: Theme::Dark,
        zoom_percent: 150,
        reduced_motion: true,
        grouped: true,
        sorting: Some(("name".to_owned(), true)),
        size: Some((900, 600)),
        hidden_columns: ["pods".to_owned()].into(),
        column_widths: [("name".to_owned(), 200)].into(),
        filter: ListFilter {
            light: Some(Light::Amber),
            namespace: Some("shop".to_owned()),
            more_types: [ServiceType::NodePort].into(),
            folded: ["*".to_owned(), "kube-system".to_owned()].into(),
        },
    }
}

fn rich() -> Settings {
    let wanted = |local| WantedTunnel {
        intent: Intent::Up,
        host: HostId::new("prod"),
        local,
        target: WantedTarget::Service {
            route: Some(Route::NodePort),
            cluster: Some("0d9b2f6e".to_owned()),
        },
    };
    let mut settings = Settings {
        window: rich_window(),
        behaviour: Behaviour {
            reopen_tunnels: false,
            start_at_login: true,
            close_to_tray: false,
            notify: false,
        },
        selected_host: Some(HostId::new("prod")),
        ..Settings::default()
    };
    settings.favourites.insert(ServiceKey::new("shop", "web"));
    let everywhere = LocalBind::Port {
        address: BindAddress::All,
        port: 9000,
    };
    let places = [
        LocalBind::Automatic { preferred: 8080 },
        LocalBind::loopback(8443),
        everywhere,
        LocalBind::Port {
            address: BindAddress::Ip("::1".parse().unwrap()),
            port: 1,
        },
        LocalBind::Port {
            address: BindAddress::Localhost,
            port: 2,
        },
        LocalBind::Socket("/run/user/1000/x.sock".into()),
    ];
    for (port, local) in (80..).zip(places) {
        let id = TunnelId::service(ServiceKey::new("default", "ui"), port);
        settings.tunnels.insert(id, wanted(local));
    }
    let places = [
        Destination::tcp("10.0.0.5", 5432),
        Destination::tcp("::1", 80),
        Destination::Socket("/run/docker.sock".to_owned()),
    ];
    for (index, place) in (0..).zip(places) {
        let forward = WantedTunnel {
            target: WantedTarget::Fixed(place),
            ..wanted(LocalBind::loopback(9000 + index))
        };
        settings.tunnels.insert(TunnelId::Forward(index), forward);
    }
    settings
}

fn text(folder: &Path) -> String {
    fs::read_to_string(folder.join(NAME)).unwrap()
}

#[test]
fn settings_come_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut loaded = Store::load(folder.path());
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.notes, []);
    loaded.store.save(&rich()).unwrap();
    let again = Store::load(folder.path());
    assert_eq!(again.notes, [], "{}", text(folder.path()));
    assert_eq!(again.settings, rich());
}

#[test]
#[cfg(unix)]
fn the_file_is_the_persons_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    Store::load(&below).store.save(&rich()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&below.join(NAME)), 0o600);
    assert_eq!(mode(&below), 0o700);
    assert_eq!(
        fs::read_dir(&below).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

#[test]
fn what_a_person_wrote_by_hand_is_read_and_unknown_keys_stay() {
    let folder = tempfile::tempdir().unwrap();
    let by_hand =
        "[window]\ntheme = \"dark\"\nlanguage = \"tlh\"\nsparkle = 3\n[later]\nkey = [1]\n";
    fs::write(folder.path().join(NAME), by_hand).unwrap();
    let mut loaded = Store::load(folder.path());
    assert_eq!(loaded.settings.window.theme, Theme::Dark);
    assert_eq!(loaded.settings.window.language, Language::System);
    assert!(
        loaded.settings.behaviour.reopen_tunnels,
        "the defaults fill the rest"
    );
    loaded.store.save(&loaded.settings).unwrap();
    let text = text(folder.path());
    for kept in ["sparkle = 3", "[later]", "key = [1]", "version = 1"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}

#[test]
fn a_file_that_makes_no_sense_is_kept_aside_and_said() {
    for (wrong, words) in [
        ("[window\n", "line 1"),
        ("version = 1\nfavourites = 7\n", "line 2"),
        (
            "version = 99\nwindow = \"new form\"\n",
            "newer Adit (format 99)",
        ),
        ("version = \"x\"\n", "no number"),
        ("version = -1\n", "no number"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=2 {
            fs::write(folder.path().join(NAME), wrong).unwrap();
            let mut loaded = Store::load(folder.path());
            assert_eq!(loaded.settings, Settings::default());
            let note: String = loaded.notes.iter().map(ToString::to_string).collect();
            assert!(note.contains(words) && note.contains("set aside"), "{note}");
            let aside = folder.path().join(format!("{NAME}.set-aside-{number}"));
            assert_eq!(fs::read_to_string(aside).unwrap(), wrong);
            loaded.store.save(&rich()).unwrap();
        }
    }
}

#[test]
fn a_tunnel_or_favourite_that_makes_no_sense_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let by_hand = "favourites = [\"a/b\", \"nonsense\"]\n\
                   [tunnels.\"a/b:80\"]\nup = true\nhost = \"h\"\nlocal = { automatic = 8080 }\n\
                   [tunnels.\"a/b:0\"]\nup = true\nhost = \"h\"\nlocal = { automatic = 8080 }\n\
                   [tunnels.\"a/c:80\"]\nup = true\nhost = \"h\"\nlocal = { fixed = \"?\" }\n";
    fs::write(folder.path().join(NAME), by_hand).unwrap();
    let loaded = Store::load(folder.path());
    assert_eq!(loaded.settings.tunnels.len(), 1);
    assert_eq!(loaded.settings.favourites.len(), 1);
    assert_eq!(loaded.notes.len(), 3, "{:?}", loaded.notes);
}

#[test]
fn forwards_are_numbered_anew_and_one_that_makes_no_sense_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let by_hand = "[[forwards]]\nhost = \"h\"\nlocal = { fixed = \"8080\" }\nto = \"nowhere\"\n\
                   [[forwards]]\nhost = \"h\"\nlocal = { fixed = \"5432\" }\nto = \"10.0.0.5:5432\"\nlater = 1\n";
    fs::write(folder.path().join(NAME), by_hand).unwrap();
    let mut loaded = Store::load(folder.path());
    assert_eq!(loaded.settings.tunnels.len(), 1);
    assert!(loaded.notes[0].contains("nowhere"), "{:?}", loaded.notes);
    loaded.store.save(&loaded.settings).unwrap();
    assert!(text(folder.path()).contains("later = 1"));
    let again = Store::load(folder.path());
    let ids: Vec<_> = again.settings.tunnels.keys().cloned().collect();
    assert_eq!(ids, [TunnelId::Forward(0)]);
}

#[test]
#[cfg(unix)]
fn a_link_to_a_file_elsewhere_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("dotfiles.toml");
    fs::write(&elsewhere, "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join(NAME)).unwrap();
    Store::load(folder.path()).store.save(&rich()).unwrap();
    assert!(fs::read_to_string(&elsewhere).unwrap().contains("[window]"));
    assert_eq!(Store::load(folder.path()).settings, rich());
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_takes_nothing_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::load(folder.path()).store;
    store.save(&rich()).unwrap();
    // A folder stands where the new file would be written first; it cannot be removed as a file.
    let in_the_way = folder
        .path()
        .join(format!("{NAME}.new-{}", std::process::id()));
    fs::create_dir(&in_the_way).unwrap();
    let error = store.save(&Settings::default()).unwrap_err();
    assert!(error.to_string().contains(NAME), "{error}");
    assert_eq!(Store::load(folder.path()).settings, rich());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _either_way = parse(&text);
    }
}
