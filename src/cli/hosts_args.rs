//! `adit hosts` in clap's words.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::args::Format;

#[derive(Debug, Args)]
pub(super) struct HostsArgs {
    #[command(subcommand)]
    pub(super) command: HostsCmd,
}

#[derive(Debug, Subcommand)]
pub(super) enum HostsCmd {
    /// List the saved hosts
    List {
        /// How to print the list
        #[arg(short, long, value_name = "FORMAT", default_value = "table")]
        output: Format,
    },
    /// Show one host as it was saved
    Show {
        /// The host's name
        name: String,
        /// How to print it
        #[arg(short, long, value_name = "FORMAT", default_value = "table")]
        output: Format,
    },
    /// Save a host; what is not given is left to ssh_config
    Add {
        /// What to call it: letters, digits, '.', '_' and '-'
        name: String,
        #[command(flatten)]
        fields: HostFields,
    },
    /// Change what is given of a host, and leave the rest
    Edit {
        /// The host's name
        name: String,
        #[command(flatten)]
        fields: HostFields,
    },
    /// Remove hosts and all that is remembered for them
    Remove {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Forget the passphrases and passwords that were remembered for hosts
    Forget {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Try every hop of the way to a host
    Test {
        /// The host's name
        name: String,
        /// How to print what was found
        #[arg(short, long, value_name = "FORMAT", default_value = "table")]
        output: Format,
    },
    /// Save the hosts of a file that `adit hosts export` wrote, or of ssh_config
    Import(ImportArgs),
    /// Print hosts for others to import; there are no secrets in it
    Export {
        /// Only these hosts
        names: Vec<String>,
        /// How to print them
        #[arg(short, long, value_name = "FORMAT", default_value = "toml")]
        output: ExportFormat,
    },
}

/// How hosts are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// TOML.
    #[default]
    Toml,
    /// JSON.
    Json,
}

/// What can be said of a host.
#[derive(Debug, Default, Args)]
pub(super) struct HostFields {
    /// How to reach it: an alias of ssh_config, a host name or an address
    #[arg(long, value_name = "[USER@]HOST[:PORT]")]
    pub(super) host: Option<String>,
    /// A private key to log in with; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) identity: Vec<PathBuf>,
    #[arg(
        long,
        value_name = "HOST,...",
        value_delimiter = ',',
        help = "The hosts on the way, nearest first: names of saved hosts, or [USER@]HOST[:PORT]; 'none' for none"
    )]
    pub(super) jump: Vec<String>,
    /// A further option as `ssh -o` takes it; may be given several times
    #[arg(short = 'o', value_name = "KEY=VALUE")]
    pub(super) options: Vec<String>,
    /// The cluster is the one of this kubeconfig file on this computer ('default' for kubectl's own)
    #[arg(long, value_name = "FILE", conflicts_with = "cluster_on_host")]
    pub(super) cluster_kubeconfig: Option<PathBuf>,
    /// The cluster is the one of a kubeconfig on the host; without a path it is looked for
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "")]
    pub(super) cluster_on_host: Option<String>,
    /// The context in the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(super) cluster_context: Option<String>,
    /// Reach the cluster's API through the host, though the kubeconfig is on this computer
    #[arg(long)]
    pub(super) cluster_through_host: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file, or '-' for stdin
    #[arg(
        value_name = "FILE",
        required_unless_present = "ssh_config",
        conflicts_with = "ssh_config"
    )]
    pub(super) file: Option<PathBuf>,
    /// Save these hosts of ~/.ssh/config under their names there; all of them where none is named
    #[arg(long, value_name = "NAME", num_args = 0..)]
    pub(super) ssh_config: Option<Vec<String>>,
    /// Replace hosts that are saved already
    #[arg(long)]
    pub(super) replace: bool,
    /// Accept hosts with options that run programs on this computer, such as `ProxyCommand`
    #[arg(long)]
    pub(super) allow_commands: bool,
}
