//! What the feeds and discovery tell the view's owner.

use super::discovery::Served;
use super::feed_error::FeedError;
use super::resource::Kind;
use super::update::Seen;

/// What is told to the view's owner.
#[derive(Debug)]
pub(super) enum Message {
    /// By a feed.
    News(Kind, News),
    /// By discovery.
    Found(Result<Served, FeedError>),
}

/// What a feed tells.
#[derive(Debug)]
pub(super) enum News {
    /// Something was seen.
    Seen(Box<Seen>),
    /// The watch stands: what was seen is current.
    Standing,
    /// It does not, and is tried again.
    Broken(FeedError),
}
