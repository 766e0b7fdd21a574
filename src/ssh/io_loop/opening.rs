//! Channels that are wanted: asked for, answered, and handed to whoever wants them.

use std::time::Instant;

use mio::event::Source as _;
use mio::{Interest, Token};

use super::{IoLoop, LoopEnd};
use crate::model::words;
use crate::ssh::connection::Connection;
use crate::ssh::exec::Execution;
use crate::ssh::open_request::{OpenRequest, Purpose};
use crate::ssh::raw::RawChannel;
use crate::ssh::raw_open::{Begun, PendingChannel, Verdict};
use crate::ssh::window::INITIAL_BYTES;

/// How many clients of one tunnel may wait for the server's answer at once: those of a target that does not answer leave room
/// for all others.
const OPENS_PER_TUNNEL: usize = 64;

/// A channel that the server has been asked for.
pub(super) struct Opening {
    pub(super) channel: PendingChannel,
    pub(super) request: OpenRequest,
    pub(super) since: Instant,
}

impl IoLoop {
    /// Somebody wants a channel: one that waits for that, or a new one.
    pub(super) fn wanted(&mut self, request: OpenRequest) -> Result<(), LoopEnd> {
        let spare = match (&mut self.spares, request.spare_for()) {
            (Some(spares), Some(spare_for)) => spares.take(spare_for, Instant::now()),
            _ => None,
        };
        let Some(channel) = spare else {
            self.waiting.push_back(request);
            return Ok(());
        };
        self.load.opened();
        self.opened(channel, request)
    }

    /// Keeps as many channels for clients that are likely to come as is right now.
    pub(super) fn open_ahead(&mut self) {
        let Some(spares) = &mut self.spares else {
            return;
        };
        let now = Instant::now();
        self.closing.extend(
            spares
                .expired(now)
                .into_iter()
                .filter_map(RawChannel::close),
        );
        let round_trip = self.round_trip.unwrap_or_default();
        let wanted = spares.wanted(now, round_trip);
        self.waiting
            .extend(wanted.into_iter().map(OpenRequest::spare));
        self.load.has_spares(spares.count());
    }

    /// Asks for the channels that are wanted.
    pub(super) fn open_channels(&mut self) -> Result<(), LoopEnd> {
        while let Some(request) = self.held_up.take().or_else(|| self.next_wanted()) {
            let begun =
                self.session
                    .begin_open(request.kind(), INITIAL_BYTES, request.message())?;
            let Begun::Sent(channel) = begun else {
                self.held_up = Some(request);
                return Ok(());
            };
            let opening = Opening {
                request,
                since: Instant::now(),
                channel,
            };
            self.opening.insert(opening.channel.id(), opening);
        }
        Ok(())
    }

    /// The first that waits and whose tunnel has not too many on their way.
    fn next_wanted(&mut self) -> Option<OpenRequest> {
        let (opening, waiting) = (&self.opening, &mut self.waiting);
        let on_their_way = |tunnel| {
            let requests = opening.values().map(|opening| &opening.request);
            requests
                .filter(|request| request.tunnel() == tunnel)
                .count()
        };
        let has_room = |request: &OpenRequest| match request.tunnel() {
            Some(tunnel) => on_their_way(Some(tunnel)) < OPENS_PER_TUNNEL,
            None => true,
        };
        let index = waiting.iter().position(has_room)?;
        waiting.remove(index)
    }

    /// Takes in what the server says about the channels it was asked for.
    pub(super) fn take_answers(&mut self) -> Result<(), LoopEnd> {
        while !self.opening.is_empty()
            && let Some(answer) = self.session.next_answer()?
        {
            let Some(Opening {
                channel,
                request,
                since,
            }) = self.opening.remove(&answer.id)
            else {
                return Err(LoopEnd::Lost(words!(
                    "the server answers what it was not asked"
                )));
            };
            if request.is_awaited() {
                self.load.opened();
            }
            match answer.verdict {
                Verdict::Open(end) => {
                    let took = since.elapsed();
                    self.round_trip = Some(self.round_trip.map_or(took, |known| known.min(took)));
                    self.opened(channel.confirm(end), request)?;
                }
                Verdict::Refused(refusal, words) => {
                    channel.discard();
                    self.note_refusal(&request);
                    request.refuse(refusal, words);
                }
            }
        }
        Ok(())
    }

    fn note_refusal(&mut self, request: &OpenRequest) {
        if let (Some(spares), Purpose::Spare(spare_for)) = (&mut self.spares, request.purpose()) {
            spares.refused(spare_for);
        }
    }

    fn opened(&mut self, channel: RawChannel, request: OpenRequest) -> Result<(), LoopEnd> {
        match request.into_purpose() {
            Purpose::Proof(proof) => {
                proof.succeed();
                self.closing.extend(channel.close());
            }
            Purpose::Exec(request) => self.executions.push(Execution::new(channel, request)),
            Purpose::Forgotten => self.closing.extend(channel.close()),
            Purpose::Spare(spare_for) => {
                let unwanted = match &mut self.spares {
                    Some(spares) => spares.arrived(&spare_for, channel),
                    None => Some(channel),
                };
                self.closing.extend(unwanted.and_then(RawChannel::close));
            }
            Purpose::Connection {
                local,
                preface,
                tunnel,
                meter,
                elsewhere: _not_needed,
            } => {
                let round_trip = self.round_trip.unwrap_or_default();
                let mut connection = Connection::new(channel, local, tunnel, meter, round_trip);
                if let Some(preface) = preface {
                    connection.tell_first(preface.opened);
                }
                self.begin(connection)?;
            }
        }
        Ok(())
    }

    /// Takes in a connection. Its client may have sent its request long before the channel was open.
    fn begin(&mut self, mut connection: Connection) -> Result<(), LoopEnd> {
        self.load.connected();
        let token = Token(self.roster.next_index());
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = connection
            .local_mut()
            .register(self.poll.registry(), token, interest)
        {
            tracing::warn!(%error, "a connection cannot be watched and is cut");
            self.end_connection(connection);
            return Ok(());
        }
        self.roster.insert(connection);
        self.serve()
    }
}
