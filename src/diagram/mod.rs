//! L0: the way of the traffic as a small graph, and where its boxes and lines lie. Pure: a Snapshot goes in, a drawing's
//! geometry or a text comes out. What draws it (window, terminal, image file) and how wide its letters are is not known here.

mod build;
mod graph;
mod layout;
mod nodes;
mod status;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;

pub use build::{Planned, of_service, of_tunnel, planned};
pub use graph::{Edge, EdgeKind, Fact, Graph, Node, NodeKind, Status};
pub use layout::{Direction, EdgePath, Layout, Measure, Point, Rect, Role, Size, lay_out};
