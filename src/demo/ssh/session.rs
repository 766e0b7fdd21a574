//! One session: the login, and what may be opened.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use russh::keys::PublicKey;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use tokio_util::sync::CancellationToken;

use super::commands::HostCommands;
use super::pump::{self, Intake};
use super::{CHANNELS_PER_SESSION, Closing, Counters, SshServer, count};
use crate::demo::net::{Dialled, Network};

/// How long a host tries to connect to what does not answer: the default of Linux.
const CONNECT_LIMIT: Duration = Duration::from_secs(127);

/// russh's side of a session.
pub(super) struct SessionHandler {
    user: &'static str,
    key: PublicKey,
    network: Arc<Network>,
    counters: Arc<Counters>,
    intake: Arc<Intake>,
    open: Arc<AtomicUsize>,
    /// The places of the channels on which commands run.
    commands: HashMap<ChannelId, Place>,
    commands_of_host: Arc<HostCommands>,
    stop: CancellationToken,
    logged_in: CancellationToken,
}

impl SessionHandler {
    /// A handler, and what is cancelled once somebody has logged in.
    pub(super) fn new(
        server: &SshServer,
        intake: Arc<Intake>,
        stop: CancellationToken,
    ) -> (Self, CancellationToken) {
        let logged_in = CancellationToken::new();
        let handler = Self {
            user: server.user,
            key: server.user_key.clone(),
            network: Arc::clone(&server.network),
            counters: Arc::clone(&server.counters),
            intake,
            open: Arc::default(),
            commands: HashMap::new(),
            commands_of_host: Arc::clone(&server.commands),
            stop,
            logged_in: logged_in.clone(),
        };
        (handler, logged_in)
    }

    fn judge(&self, user: &str, key: &PublicKey) -> Auth {
        if user == self.user && key.key_data() == self.key.key_data() {
            Auth::Accept
        } else {
            Auth::reject()
        }
    }

    /// A place for one more channel, given back when it is dropped.
    fn place(&self) -> Option<Place> {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.open));
        (before < CHANNELS_PER_SESSION).then_some(place)
    }
}

struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A direct-tcpip request on its way.
struct Opening {
    network: Arc<Network>,
    counters: Arc<Counters>,
    intake: Arc<Intake>,
    channel: Channel<Msg>,
    reply: ChannelOpenHandle,
    host: String,
    port: u16,
    _place: Place,
}

impl Opening {
    async fn run(self) {
        let dialled = self.network.dial(&self.host, self.port).await;
        let io = match dialled {
            Dialled::Open(io) => io,
            Dialled::Refused(why) => {
                tracing::debug!(why, "the demo network refused a connection");
                count(&self.counters.refused);
                return self.reply.reject(ChannelOpenFailure::ConnectFailed).await;
            }
            Dialled::Silence => {
                tokio::time::sleep(CONNECT_LIMIT).await;
                count(&self.counters.refused);
                return self.reply.reject(ChannelOpenFailure::ConnectFailed).await;
            }
        };
        count(&self.counters.channels);
        let _closing = Closing(self.counters, |c| &c.channels_closed);
        self.reply.accept().await;
        pump::run(self.channel, io, self.intake).await;
    }
}

impl Handler for SessionHandler {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.judge(user, offer.public_key))
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.judge(user, key.public_key))
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Result<(), Self::Error> {
        count(&self.counters.logins);
        self.logged_in.cancel();
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host_to_connect: &str,
        port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(place) = self.place() else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        let Ok(port) = u16::try_from(port_to_connect) else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        };
        let opening = Opening {
            network: Arc::clone(&self.network),
            counters: Arc::clone(&self.counters),
            intake: Arc::clone(&self.intake),
            channel,
            reply,
            host: host_to_connect.to_owned(),
            port,
            _place: place,
        };
        // In a task of its own, so that an address that does not answer holds up nobody else.
        let stop = self.stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(opening.run()));
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(place) = self.place() else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        self.commands.insert(channel.id(), place);
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.commands.remove(&channel);
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        let (out, code) = self.commands_of_host.answer(data);
        if !out.is_empty() {
            session.data(channel, out)?;
        }
        session.exit_status_request(channel, code)?;
        session.eof(channel)?;
        session.close(channel)
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}
