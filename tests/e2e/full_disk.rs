//! A disk that is really full while settings change: a file system of a few pages, in a namespace that the test makes itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use adit::engine::{EngineOptions, Handle, Memory, start_with};
use adit::model::{Command, ServiceKey, SettingsChange, Snapshot};

use crate::support::LIMIT;

const INSIDE: &str = "ADIT_TEST_FULL_DISK";
const TEST: &str =
    "full_disk::settings_outlast_a_full_disk_which_is_said_and_are_written_when_there_is_room";

/// Runs this test again where `folder` is a file system of its own that takes 64 KiB.
fn again_on_a_small_disk(folder: &Path) {
    let script = "mount -t tmpfs -o size=64k,mode=700 none \"$1\" && shift && exec \"$@\"";
    let output = Process::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(folder)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(INSIDE, folder)
        .env("ADIT_CONFIG_DIR", folder)
        .env("HOME", folder)
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
        .output()
        .expect("unshare is needed: tests/run installs util-linux");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn like(handle: &Handle, name: &str) {
    handle.send(Command::ChangeSettings(SettingsChange::Favourite {
        service: ServiceKey::new("default", name),
        on: true,
    }));
}

async fn until(handle: &mut Handle, what: &str, wanted: impl Fn(&Snapshot) -> bool) {
    let search = async {
        let mut snapshot = handle.snapshot();
        while !wanted(&snapshot) {
            snapshot = handle.changed().await.unwrap();
        }
    };
    let found = tokio::time::timeout(LIMIT, search).await;
    found.unwrap_or_else(|_elapsed| panic!("no {what}: {:?}", handle.snapshot().notices));
}

fn says(words: &'static str) -> impl Fn(&Snapshot) -> bool {
    move |snapshot| {
        let mut notices = snapshot.notices.iter();
        notices.any(|notice| notice.text.contains(words))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_outlast_a_full_disk_which_is_said_and_are_written_when_there_is_room() {
    let Some(folder) = std::env::var_os(INSIDE).map(PathBuf::from) else {
        let folder = tempfile::tempdir().unwrap();
        again_on_a_small_disk(folder.path());
        return;
    };
    let settings = folder.join("settings.toml");
    // The last change of a run is written at its end.
    let mut handle = start_with(EngineOptions::of_environment(Memory::Everything));
    like(&handle, "before");
    handle.send(Command::Quit);
    until(&mut handle, "end", |snapshot| snapshot.ended).await;
    let before = fs::read_to_string(&settings).unwrap();
    assert!(before.contains("default/before"), "{before}");

    let mut handle = start_with(EngineOptions::of_environment(Memory::Everything));
    let ballast = folder.join("ballast");
    let full = fs::write(&ballast, vec![1; 64 * 1024]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    like(&handle, "meanwhile");
    until(&mut handle, "word of it", says("cannot be written")).await;
    assert_eq!(fs::read_to_string(&settings).unwrap(), before);
    assert_eq!(names(&folder), ["ballast", "settings.toml"]);

    fs::remove_file(&ballast).unwrap();
    until(&mut handle, "relief", says("are written again")).await;
    let after = fs::read_to_string(&settings).unwrap();
    for name in ["default/before", "default/meanwhile"] {
        assert!(after.contains(name), "{name} in {after}");
    }
    assert_eq!(names(&folder), ["settings.toml"]);
    handle.send(Command::Quit);
    until(&mut handle, "end", |snapshot| snapshot.ended).await;
}
