//! The arguments of the commands that talk to the running instance.

use clap::{Args, Subcommand};

use super::args::{ClusterArgs, Format, ViaArgs};
use super::target::ServiceTarget;

/// What `adit` without a command, and `adit agent`, start with.
#[derive(Debug, Default, Args)]
pub(super) struct StartArgs {
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
}

#[derive(Debug, Args)]
pub(super) struct AgentArgs {
    /// Leave the terminal's session: what `adit up -b` starts
    #[arg(long, hide = true)]
    pub(super) detached: bool,
    #[command(flatten)]
    pub(super) start: StartArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct DownArgs {
    /// The service and, to close one of its tunnels alone, the port
    #[arg(value_name = "NS/SVC[:PORT]")]
    pub(super) service: Option<ServiceTarget>,
    /// Every tunnel
    #[arg(long)]
    pub(super) all: bool,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Go on, and print what changes
    #[arg(short, long)]
    pub(super) watch: bool,
    /// How to print it; with --watch JSON is one object a line
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: Format,
    /// The same as -o json
    #[arg(long, conflicts_with = "output")]
    pub(super) json: bool,
}

impl StatusArgs {
    pub(super) fn is_json(&self) -> bool {
        self.json || self.output == Format::Json
    }
}

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// Go on, and print what is logged from now on
    #[arg(short, long)]
    pub(super) follow: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum AutostartCmd {
    /// Start Adit, without its window, when you log in
    On,
    /// Do not
    Off,
    /// Say whether it does
    Status,
}
