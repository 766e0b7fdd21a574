//! The demo world as clients meet it: kube's client over TLS, and OpenSSH's own client over SSH.

#![expect(
    clippy::unwrap_used,
    reason = "a test may end on what it does not expect"
)]

mod demo_world {
    mod api;
    mod explained;
    mod ssh;
    mod watch;
}

use std::time::Duration;

use adit::demo::{DemoOptions, DemoWorld, Pace};

/// How long anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(30);

/// A world in which nothing happens by itself.
async fn still_world() -> DemoWorld {
    let options = DemoOptions {
        pace: Pace::Off,
        ..DemoOptions::default()
    };
    DemoWorld::start(options).await.unwrap()
}

/// What `future` yields, if it does so in time.
async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("{what} took more than {LIMIT:?}"))
}

#[tokio::test]
async fn the_folder_is_private_and_goes_with_the_world() {
    let world = still_world().await;
    let access = world.access().clone();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&access.folder), 0o700);
        assert_eq!(mode(&access.identity), 0o600);
        assert_eq!(mode(&access.kubeconfig), 0o600);
    }
    drop(world);
    assert!(!access.folder.exists());
}

#[tokio::test]
async fn a_folder_that_exists_is_not_taken_and_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let options = DemoOptions {
        folder: Some(folder.path().to_path_buf()),
        ..DemoOptions::default()
    };
    let error = DemoWorld::start(options).await.unwrap_err();
    assert!(
        error.to_string().contains(folder.path().to_str().unwrap()),
        "{error}"
    );
    assert!(folder.path().exists());
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = DemoOptions {
        ssh_port: Some(port),
        ..DemoOptions::default()
    };
    let error = DemoWorld::start(options).await.unwrap_err().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
}
