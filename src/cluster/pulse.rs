//! A sign of life, asked of the server now and then.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::timing::{Timing, about};

/// Asks the server for a sign of life now and then, and gives up its connections when there is none: a server that went
/// away without a word would leave the watches waiting for events that never come.
pub(super) async fn pulse(connection: Arc<Connection>, timing: Timing) {
    loop {
        sleep(about(timing.pulse_every)).await;
        // Without a client there is nothing to listen to, and the feeds tell why.
        let Ok(lease) = connection.lease().await else {
            continue;
        };
        let Ok(request) = http::Request::get("/version").body(kube::client::Body::empty()) else {
            return;
        };
        // Any answer will do, one that says no included.
        if !matches!(
            timeout(timing.pulse_limit, lease.client.send(request)).await,
            Ok(Ok(_))
        ) {
            tracing::debug!("the API server gives no sign of life");
            connection.reset().await;
        }
    }
}
