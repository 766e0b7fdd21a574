//! What a feed tells the view.

use crate::diagnosis::{
    Advertisement, BgpPeer, BgpSession, ConfigurationState, Labels, Node, Pool,
};

use super::records::{KeptEvent, KeptPod, KeptService, KeptSlice, KeptStatus, ObjectKey};

/// What a feed has seen of one kind of object.
#[derive(Clone, Debug)]
pub(super) enum Update<K> {
    /// Everything there is: whatever is not in here is gone.
    Replaced(Vec<(ObjectKey, K)>),
    /// One object is new or has changed.
    Applied(ObjectKey, K),
    /// One object is gone, or is of no interest any more.
    Deleted(ObjectKey),
}

/// The same, of any kind.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    Services(Update<KeptService>),
    Slices(Update<KeptSlice>),
    Pods(Update<KeptPod>),
    Nodes(Update<Node>),
    Namespaces(Update<Labels>),
    Events(Update<KeptEvent>),
    Pools(Update<Pool>),
    L2Advertisements(Update<Advertisement>),
    BgpAdvertisements(Update<Advertisement>),
    BgpPeers(Update<BgpPeer>),
    L2Statuses(Update<KeptStatus>),
    BgpStatuses(Update<KeptStatus>),
    Configurations(Update<ConfigurationState>),
    BgpSessions(Update<BgpSession>),
}
