//! Where the kubeconfig is, and how the API server it names is reached.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use kube::config::Kubeconfig;

use crate::model::{self, ClusterSource};

use super::connection::{ConnectError, in_time};
use super::gateway::Gateway;
use super::kubeconfig::{self, Chosen};
use super::remote::{RemoteError, RemoteReader};

/// The way to one cluster, as the person named it.
#[derive(Debug)]
pub(super) struct Access {
    /// The kubeconfig files on this computer; none where it is on the host.
    paths: Vec<PathBuf>,
    remote: Option<RemoteReader>,
    gateway: Option<Arc<dyn Gateway>>,
}

impl Access {
    /// The way to the cluster of `source`, through `gateway` where there is one.
    pub(super) fn new(source: &ClusterSource, gateway: Option<Arc<dyn Gateway>>) -> Self {
        let remote = match (&source.kubeconfig, &gateway) {
            (model::Kubeconfig::OnHost { path }, Some(gateway)) => {
                Some(RemoteReader::new(Arc::clone(gateway), path.clone()))
            }
            _ => None,
        };
        Self {
            paths: kubeconfig::paths(source),
            remote,
            gateway,
        }
    }

    /// The files whose change makes another try worthwhile.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The host on the way.
    pub(super) fn gateway(&self) -> Option<Arc<dyn Gateway>> {
        self.gateway.clone()
    }

    /// Reads the kubeconfig and resolves the context. May wait for the person.
    pub(super) async fn read(&self, context: Option<&str>) -> Result<Chosen, ConnectError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.read(context).await?);
        }
        let (paths, context) = (self.paths.clone(), context.map(str::to_owned));
        Ok(in_time(move || kubeconfig::read(&paths, context.as_deref())).await??)
    }

    /// The kubeconfig itself, of which only what the context needs is left.
    pub(super) async fn document(&self, context: Option<&str>) -> Result<Kubeconfig, ConnectError> {
        if let Some(remote) = &self.remote {
            return Ok(remote.document(context).await?.0);
        }
        let paths = self.paths.clone();
        let mut document = in_time(move || kubeconfig::read_all(&paths)).await??;
        kubeconfig::keep_context(&mut document, context);
        Ok(document)
    }

    /// Waits until the way to the host stands, where there is a host on the way.
    pub(super) async fn ready(&self) -> Result<(), ConnectError> {
        match &self.gateway {
            Some(gateway) => Ok(gateway.ready().await.map_err(RemoteError::Way)?),
            None => Ok(()),
        }
    }

    /// Resolves when the way to the host changes after this call; never, where there is no host on the way.
    pub(super) fn changed(&self) -> BoxFuture<'static, ()> {
        match &self.gateway {
            Some(gateway) => gateway.changed(),
            None => Box::pin(std::future::pending()),
        }
    }
}
