//! L0: MetalLB's reasoning, run again over what is seen of a cluster. Pure: no I/O, no clock.
//!
//! [`findings`] says why a service waits for its address, or has one that does not answer; [`lint`] what is wrong with a
//! pool; [`announcers`] who announces an address. The rules are those of MetalLB v0.16: the allocator's
//! (`internal/allocator`), the controller's (`controller/service.go`), the speaker's (`speaker/layer2_controller.go`,
//! `speaker/bgp_controller.go`) and the configuration's (`internal/config`).
//!
//! What could not be seen is `None` in here and is never taken for absent: what rests on it is not claimed, or is worded
//! as likely.

mod allocation;
mod announce;
mod facts;
mod pending;
mod pool;
mod reach;
mod refusal;
mod selector;
mod service;
mod sharing;
mod words;

#[cfg(test)]
mod allocation_tests;
#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod pending_tests;
#[cfg(test)]
mod pool_tests;
#[cfg(test)]
mod testing;

pub use crate::model::{AddressRange, ParseRangeError, ServiceEvent};
pub use announce::{announcers, pool_name};
pub use facts::{
    Advertisement, Allocation, BgpPeer, BgpSession, Component, Components, ConfigurationState,
    Counters, FamilyPolicy, InUse, Node, Pool, Preference, Presence, Scene, ServiceFacts, Services,
    Speaking, World,
};
pub use pool::{lint, protocols, usage};
pub use selector::{Expression, Labels, Selector};
pub use service::{Subject, Unready, findings};
