//! The command line in clap's words. Names and meanings in here are kept stable between releases.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::doctor::DoctorArgs;
use super::forward_args::ForwardArgs;
use super::hosts_args::HostsArgs;
use super::key::KeyArgs;
use super::remote_args::{AgentArgs, AutostartCmd, DownArgs, LogsArgs, StartArgs, StatusArgs};
use super::target::ServiceTarget;
use crate::model::{LocalBind, Route, ServiceKey, ServiceType};

/// Opens the LoadBalancer services of a self-managed Kubernetes cluster on this computer, through SSH.
///
/// Without a command it opens the window; where it runs already, its window comes to the front.
#[derive(Debug, Parser)]
#[command(
    name = "adit",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) start: StartArgs,
    #[command(subcommand)]
    pub(super) command: Option<Cmd>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Cmd {
    /// Try Adit out on a small cluster that it brings along
    Demo(DemoArgs),
    /// List the cluster's LoadBalancer services
    List(ListArgs),
    /// Say why a service waits for its address or does not answer
    Explain(ExplainArgs),
    /// List MetalLB's address pools, how full they are, and what is wrong with them
    Pools(PoolsArgs),
    /// Draw the way to a service, from this computer to its pods
    Diagram(DiagramArgs),
    /// Try every hop of the way to a service, or to an SSH host alone, and name the first that is broken
    Probe(ProbeArgs),
    /// Open a service on this computer: in the running Adit, or here until Ctrl-C
    Up(UpArgs),
    /// Look for what is wrong on this computer: ssh_config, known_hosts, keys, ssh-agent, keyring, kubeconfig, local ports
    Doctor(DoctorArgs),
    /// Look at a private key file
    Key(KeyArgs),
    /// Print a kubeconfig for kubectl and others that works through the SSH host, or run a command with it
    Kubeconfig(KubeconfigArgs),
    /// Save SSH hosts in the system's keyring, test them, and share them
    Hosts(HostsArgs),
    /// Close a service in the running Adit
    Down(DownArgs),
    /// Show the tunnels of the running Adit
    Status(StatusArgs),
    /// Bring the window of the running Adit to the front
    Window,
    /// End the running Adit and close its tunnels
    Quit,
    /// Print what the running Adit has logged
    Logs(LogsArgs),
    /// Run without a window: at login, and on servers
    Agent(AgentArgs),
    /// Start at login, or do not
    #[command(subcommand)]
    Autostart(AutostartCmd),
    /// Print what makes a shell complete this program's arguments
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man {
        /// The command; the program itself where none is named
        command: Option<String>,
    },
    /// Forward ports as `ssh -N -L` does, with ssh's own options
    Forward(Box<ForwardArgs>),
}

/// How data is written on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A table, or words, for people.
    #[default]
    Table,
    /// JSON as docs/json.md describes it.
    Json,
}

/// How a list is written on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// A table for people.
    #[default]
    Table,
    /// The same with all columns.
    Wide,
    /// JSON as docs/json.md describes it.
    Json,
}

/// How the demo's data is written on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DemoFormat {
    /// Words for people.
    #[default]
    Text,
    /// One JSON line as docs/json.md describes it.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Open no window: open services, fetch through the tunnels, print what was done (this is what happens without a display)
    #[arg(long)]
    pub(super) headless: bool,
    /// Open no window: stay up until Ctrl-C and print how to reach the demo's cluster and SSH host
    #[arg(long)]
    pub(super) serve: bool,
    /// With --serve: how to print the way to reach it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: DemoFormat,
}

/// Which cluster.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(super) struct ClusterArgs {
    /// The kubeconfig file [default: KUBECONFIG, then ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context in it [default: its current-context]
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// Read the kubeconfig on the SSH host and reach the API through it; without a PATH it is looked for where clusters keep
    /// it (this is what happens where this computer has no kubeconfig)
    #[arg(
        long,
        value_name = "PATH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with = "kubeconfig"
    )]
    pub(super) kubeconfig_on_host: Option<String>,
    /// Reach the API server through the SSH host, with this computer's kubeconfig
    #[arg(long, conflicts_with = "kubeconfig_on_host")]
    pub(super) api_through_host: bool,
}

impl ClusterArgs {
    /// Whether anything was said.
    pub(super) fn is_given(&self) -> bool {
        self.kubeconfig.is_some()
            || self.context.is_some()
            || self.kubeconfig_on_host.is_some()
            || self.api_through_host
    }
}

/// Which SSH host.
#[derive(Debug, Default, Args)]
pub(super) struct ViaArgs {
    #[arg(
        long,
        value_name = "HOST",
        help = "The SSH host, best a node of the cluster: the name of a saved host, or [USER@]HOST[:PORT]"
    )]
    pub(super) host: Option<String>,
    /// The private key to log in with [default: ssh's own, and ssh-agent]
    #[arg(long, value_name = "FILE")]
    pub(super) identity: Option<PathBuf>,
    /// Read this ssh_config alone [default: ~/.ssh/config, then the machine's]
    #[arg(long, value_name = "FILE")]
    pub(super) ssh_config: Option<PathBuf>,
    /// Another host of the same cluster, taken while the one before it cannot be reached; may be repeated
    #[arg(long, value_name = "[USER@]HOST[:PORT]", requires = "host")]
    pub(super) fallback_host: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only the services of this namespace
    #[arg(short, long, value_name = "NS")]
    pub(super) namespace: Option<String>,
    /// Services of every type, not only LoadBalancer
    #[arg(long)]
    pub(super) all_types: bool,
    /// Services of these types: LoadBalancer, NodePort, ClusterIP, ExternalName
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        conflicts_with = "all_types"
    )]
    pub(super) types: Vec<ServiceType>,
    /// How to print the list
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: ListFormat,
    /// Print the list, then every service that changes, until Ctrl-C
    #[arg(short, long)]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The service
    #[arg(value_name = "NS/SVC")]
    pub(super) service: ServiceKey,
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: Format,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
}

/// How a diagram is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DiagramFormat {
    /// A tree of lines, for terminals.
    #[default]
    Text,
    /// A drawing that stays sharp at every size.
    Svg,
    /// The same drawing as a picture.
    Png,
    /// A flowchart for READMEs and tickets.
    Mermaid,
}

/// On what ground an SVG or a PNG stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DiagramTheme {
    /// White.
    #[default]
    Light,
    /// Nearly black.
    Dark,
}

#[derive(Debug, Args)]
pub(super) struct DiagramArgs {
    /// The service and, where it has several TCP ports, the port
    #[arg(value_name = "NS/SVC[:PORT]")]
    pub(super) service: ServiceTarget,
    /// How to draw it [default: what the file's name ends in, else text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<DiagramFormat>,
    /// The file to write, in place of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// The ground of an SVG or a PNG
    #[arg(long, value_name = "THEME", default_value = "light")]
    pub(super) theme: DiagramTheme,
    /// How wide an SVG or a PNG may be, in points; a narrow one runs from top to bottom [default: 1120]
    #[arg(long, value_name = "POINTS", value_parser = clap::value_parser!(u16).range(300..=4000))]
    pub(super) width: Option<u16>,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
}

impl DiagramArgs {
    /// The format that was asked for, or that the file's name says.
    pub(super) fn format(&self) -> DiagramFormat {
        let by_name = || {
            let ending = self.output.as_ref()?.extension()?.to_str()?;
            match ending.to_ascii_lowercase().as_str() {
                "svg" => Some(DiagramFormat::Svg),
                "png" => Some(DiagramFormat::Png),
                "mmd" | "mermaid" => Some(DiagramFormat::Mermaid),
                _ => None,
            }
        };
        self.format.or_else(by_name).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(super) struct PoolsArgs {
    /// How to print the list
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: Format,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
}

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// The service and, where it has several TCP ports, the port; without it the SSH host alone is probed
    #[arg(value_name = "NS/SVC[:PORT]")]
    pub(super) service: Option<ServiceTarget>,
    /// How to print what was found
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(super) output: Format,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
}

#[derive(Debug, Args)]
pub(super) struct UpArgs {
    /// The service and, where it has several TCP ports, the port
    #[arg(value_name = "NS/SVC[:PORT]", required_unless_present = "all")]
    pub(super) service: Option<ServiceTarget>,
    /// Open every favourite and every tunnel that was opened before, in the running Adit
    #[arg(long, conflicts_with_all = ["service", "local", "route", "host", "identity", "kubeconfig", "context"])]
    pub(super) all: bool,
    /// Have it opened by an Adit in the background, which is started where none is running, and return
    #[arg(short, long)]
    pub(super) background: bool,
    /// Where to listen [default: a port on 127.0.0.1 like the service's]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) local: Option<LocalBind>,
    /// The way to take: metallb, clusterip, nodeport or pod [default: the best that is there]
    #[arg(long)]
    pub(super) route: Option<Route>,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
}

#[derive(Debug, Args)]
pub(super) struct KubeconfigArgs {
    /// Where the API server is reached on this computer [default: a port on 127.0.0.1 like 6443]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) local: Option<LocalBind>,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    #[command(flatten)]
    pub(super) via: ViaArgs,
    /// A command to run with KUBECONFIG set, as in: adit kubeconfig --host HOST -- kubectl get svc
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}
