//! L0: the way of the traffic as a small graph, and where its boxes and lines lie. Pure: a Snapshot goes in, a drawing's
//! geometry, a text or an image's bytes come out. The layout does not know what draws it (window or image) nor how wide its
//! letters are.

mod address_map;
mod build;
mod graph;
mod layout;
pub mod mermaid;
mod nodes;
mod paint;
pub mod png;
mod probed;
mod status;
pub mod svg;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
mod typeface;

pub use address_map::{
    AddressMap, Clash, Door, NodePlace, PoolMap, RangeMap, Slot, SlotState, address_map,
};
pub use build::{Planned, of_service, of_tunnel, of_tunnel_in, planned};
pub use graph::{Edge, EdgeKind, Fact, Graph, Node, NodeKind, Status};
pub use layout::{
    Direction, EdgePath, Layout, Measure, Note, NoteLine, Point, Rect, Role, Size, lay_across,
    lay_out,
};
pub use paint::Theme;
pub use typeface::{HANGUL, HANGUL_STRONG};
