//! `adit hosts`: the saved hosts, in the OS keyring.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;

use super::args::Format;
use super::console::Console;
use super::failure::{Failure, Usage};
use super::hosts_args::{HostFields, HostsCmd, ImportArgs};
use super::hosts_file;
use super::remote::tell_hosts;
use super::table::{Cell, render};
use crate::control::HostsChange;
use crate::engine::{BookError, HostBook, KnownHost};
use crate::model::{ClusterSource, HostId, Kubeconfig, Login, SavedHost};

/// How long the keyring may take before the person is told what is waited for.
const SILENT: Duration = Duration::from_secs(1);

/// Longer files hold no hosts.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl From<BookError> for Failure {
    fn from(error: BookError) -> Self {
        Self::new(error.code(), error.to_string(), error.next_step())
    }
}

/// The book, with its waits told on the console.
pub(super) struct Hosts<'a> {
    pub(super) book: HostBook,
    pub(super) console: &'a mut Console,
}

impl Hosts<'_> {
    /// Runs one of the commands; `ssh_hosts` lists the names in the person's ssh_config.
    ///
    /// # Errors
    /// A failure of the keyring's, or of what was given.
    pub(super) async fn run(
        &mut self,
        command: HostsCmd,
        ssh_hosts: fn() -> anyhow::Result<Vec<String>>,
    ) -> anyhow::Result<()> {
        match command {
            HostsCmd::List { output } => self.list(output).await,
            HostsCmd::Show { name, output } => self.show(&name, output).await,
            HostsCmd::Add { name, fields } => self.add(&name, fields).await,
            HostsCmd::Edit { name, fields } => self.edit(&name, fields).await,
            HostsCmd::Remove { names } => self.remove(&names).await,
            HostsCmd::Forget { names } => self.forget(&names).await,
            HostsCmd::Import(args) => self.import(args, ssh_hosts).await,
            HostsCmd::Export { names, output } => {
                let hosts = self.chosen(&names).await?;
                let home = home();
                let text = hosts_file::write(hosts, output, home.as_deref())?;
                self.console.text(&text)
            }
            HostsCmd::Test { name, .. } => {
                Err(Usage(format!("{name} is tested by the engine")).into())
            }
        }
    }

    /// Waits for the keyring, and says so where that takes long.
    async fn wait<T>(
        &mut self,
        work: impl Future<Output = Result<T, BookError>>,
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        let result = match timeout(SILENT, &mut work).await {
            Ok(result) => result,
            Err(_elapsed) => {
                self.console
                    .say("waiting for the keyring; your desktop may be asking for its password");
                work.await
            }
        };
        result.map_err(Failure::from)
    }

    pub(super) async fn all(&mut self) -> Result<Vec<SavedHost>, Failure> {
        let book = self.book.clone();
        let (hosts, notes) = self.wait(book.list()).await?;
        for note in notes {
            self.console.say(&note.to_string());
        }
        Ok(hosts)
    }

    /// The hosts of these names, or all of them.
    async fn chosen(&mut self, names: &[String]) -> Result<Vec<SavedHost>, Failure> {
        if names.is_empty() {
            return self.all().await;
        }
        let mut hosts = Vec::new();
        for name in names {
            hosts.push(self.saved(name).await?);
        }
        Ok(hosts)
    }

    async fn find(&mut self, name: &str) -> Result<Option<SavedHost>, Failure> {
        let (book, id) = (self.book.clone(), HostId::new(name));
        self.wait(book.saved(&id)).await
    }

    async fn saved(&mut self, name: &str) -> Result<SavedHost, Failure> {
        self.find(name).await?.ok_or_else(|| no_such_host(name))
    }

    /// The host of this name, ready to be dialled; none where none is saved under it.
    ///
    /// # Errors
    /// Those of the keyring and of ssh_config.
    pub(super) async fn known(&mut self, name: &str) -> Result<Option<KnownHost>, Failure> {
        let (book, id) = (self.book.clone(), HostId::new(name));
        self.wait(book.known(&id)).await
    }

    async fn list(&mut self, output: Format) -> anyhow::Result<()> {
        let hosts = self.all().await?;
        match output {
            Format::Json => self.console.json(&serde_json::to_string(&hosts)?),
            Format::Table if hosts.is_empty() => {
                self.console
                    .say("no host is saved: `adit hosts add NAME --host [USER@]HOST[:PORT]`");
                Ok(())
            }
            Format::Table => self.console.text(&table(&hosts)),
        }
    }

    async fn show(&mut self, name: &str, output: Format) -> anyhow::Result<()> {
        let host = self.saved(name).await?;
        match output {
            Format::Json => self.console.json(&serde_json::to_string(&host)?),
            Format::Table => self.console.text(&lines(&host)),
        }
    }

    async fn add(&mut self, name: &str, fields: HostFields) -> anyhow::Result<()> {
        check_name(name)?;
        if fields.host.is_none() {
            return Err(Usage("say how to reach it: --host [USER@]HOST[:PORT]".to_owned()).into());
        }
        let mut host = SavedHost::new(name, "");
        fields.apply(&mut host)?;
        if self.find(name).await?.is_some() {
            return Err(Failure::new(
                "host-exists",
                format!("there is a host {name} already"),
                "`adit hosts edit` changes it, `adit hosts remove` removes it.",
            )
            .into());
        }
        self.save(host).await
    }

    async fn edit(&mut self, name: &str, fields: HostFields) -> anyhow::Result<()> {
        let mut host = self.saved(name).await?;
        fields.apply(&mut host)?;
        self.save(host).await
    }

    async fn save(&mut self, host: SavedHost) -> anyhow::Result<()> {
        let book = self.book.clone();
        self.wait(book.check(&host)).await?;
        for path in &host.identities {
            if !path.starts_with("~") && !path.exists() {
                let path = path.display();
                self.console.say(&format!("there is no key {path} as yet"));
            }
        }
        let name = host.id.clone();
        self.wait(book.save(host)).await?;
        tell_hosts(HostsChange::Saved).await;
        self.console
            .say(&format!("{name} is saved in the system's keyring"));
        Ok(())
    }

    async fn remove(&mut self, names: &[String]) -> anyhow::Result<()> {
        let book = self.book.clone();
        for name in names {
            let id = HostId::new(name);
            // One that cannot be read is removed as well; one that is not there is a mistake.
            if matches!(book.saved(&id).await, Ok(None)) {
                return Err(no_such_host(name).into());
            }
            self.wait(book.remove(&id)).await?;
            tell_hosts(HostsChange::Removed(name.clone())).await;
            self.console.say(&format!("{name} is removed"));
        }
        Ok(())
    }

    async fn forget(&mut self, names: &[String]) -> anyhow::Result<()> {
        let book = self.book.clone();
        for name in names {
            self.wait(book.forget_secrets(&HostId::new(name))).await?;
            tell_hosts(HostsChange::Forgotten(name.clone())).await;
            self.console
                .say(&format!("nothing is remembered for {name} any more"));
        }
        Ok(())
    }

    async fn import(
        &mut self,
        args: ImportArgs,
        ssh_hosts: fn() -> anyhow::Result<Vec<String>>,
    ) -> anyhow::Result<()> {
        let hosts = match (&args.file, args.ssh_config) {
            (Some(file), _) => hosts_file::read(&read_file(file)?, &name_of(file))?,
            (None, names) => of_ssh_config(&names.unwrap_or_default(), ssh_hosts)?,
        };
        let (mut saved, mut passed_over) = (0, 0);
        for host in hosts {
            let commands = hosts_file::commands(&host);
            if !commands.is_empty() && !args.allow_commands {
                return Err(Failure::new(
                    "host-runs-commands",
                    format!(
                        "the host {} runs a program on this computer: {}",
                        host.id,
                        commands.join(", ")
                    ),
                    "If you trust the file, give --allow-commands.",
                )
                .into());
            }
            if !args.replace && self.find(host.id.as_str()).await?.is_some() {
                self.console.say(&format!(
                    "{} is saved already; --replace replaces it",
                    host.id
                ));
                passed_over += 1;
                continue;
            }
            let book = self.book.clone();
            self.wait(book.save(host)).await?;
            saved += 1;
        }
        if saved > 0 {
            tell_hosts(HostsChange::Saved).await;
        }
        self.console
            .say(&format!("{saved} saved, {passed_over} left as they were"));
        Ok(())
    }
}

impl HostFields {
    /// Makes the changes that were given.
    fn apply(self, host: &mut SavedHost) -> Result<(), Usage> {
        if let Some(text) = &self.host {
            let login = Login::with_port(text).map_err(Usage)?;
            host.address = login.host;
            // What an edit does not say again is left as it is.
            host.user = login.user.or(host.user.take());
            host.port = login.port.or(host.port);
        }
        if !self.identity.is_empty() {
            let paths = self.identity.iter().map(|path| absolute(path));
            host.identities = paths.collect::<Result<_, _>>()?;
        }
        if !self.jump.is_empty() {
            host.jumps = if self.jump == ["none"] {
                Vec::new()
            } else {
                for jump in &self.jump {
                    Login::with_port(jump).map_err(Usage)?;
                }
                self.jump.clone()
            };
        }
        if !self.options.is_empty() {
            host.options.clone_from(&self.options);
        }
        if let Some(cluster) = self.cluster(&host.id)? {
            host.cluster = Some(cluster);
        }
        Ok(())
    }

    fn cluster(&self, host: &HostId) -> Result<Option<ClusterSource>, Usage> {
        let context = self.cluster_context.clone();
        let through = self.cluster_through_host.then(|| host.clone());
        let source = match (&self.cluster_kubeconfig, &self.cluster_on_host) {
            (None, None) if context.is_none() && through.is_none() => return Ok(None),
            (_, Some(path)) => ClusterSource {
                kubeconfig: Kubeconfig::OnHost {
                    path: (!path.is_empty()).then(|| path.clone()),
                },
                context,
                through: Some(host.clone()),
            },
            (file, None) => ClusterSource {
                kubeconfig: match file {
                    Some(path) if path != Path::new("default") => Kubeconfig::File(absolute(path)?),
                    _ => Kubeconfig::Default,
                },
                context,
                through,
            },
        };
        Ok(Some(source))
    }
}

fn check_name(name: &str) -> Result<(), Usage> {
    SavedHost::check_name(name)
        .map_err(|error| Usage(format!("'{name}' cannot be a host's name: {error}")))
}

pub(super) fn no_such_host(name: &str) -> Failure {
    Failure::new(
        "no-such-host",
        format!("no host is saved under the name {name}"),
        "`adit hosts list` shows those that are.",
    )
}

/// Wherever Adit is started next time, the path must lead to the same file.
fn absolute(path: &Path) -> Result<PathBuf, Usage> {
    if path.starts_with("~") {
        return Ok(path.to_owned());
    }
    std::path::absolute(path).map_err(|error| Usage(format!("{}: {error}", path.display())))
}

fn home() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|folders| folders.home_dir().to_owned())
}

fn read_file(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(MAX_FILE_BYTES)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(
            "hosts-file",
            format!("{} cannot be read: {error}", name_of(path)),
            "Name a file that `adit hosts export` has written.",
        )),
    }
}

/// What to call a file that is read.
fn name_of(path: &Path) -> String {
    if path == Path::new("-") {
        return "what was read from stdin".to_owned();
    }
    path.display().to_string()
}

/// Hosts that are an alias of ssh_config each, and follow it.
fn of_ssh_config(
    names: &[String],
    ssh_hosts: fn() -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<Vec<SavedHost>> {
    let known = ssh_hosts()?;
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        return Err(Failure::new(
            "no-such-host",
            format!("~/.ssh/config has no host {name}"),
            "`adit hosts import --ssh-config` alone takes all that it has.",
        )
        .into());
    }
    if known.is_empty() {
        return Err(Failure::new(
            "no-such-host",
            "~/.ssh/config names no host",
            "`adit hosts add NAME --host [USER@]HOST[:PORT]` saves one without it.",
        )
        .into());
    }
    let chosen = if names.is_empty() { &known } else { names };
    let good = chosen
        .iter()
        .filter(|name| SavedHost::check_name(name).is_ok());
    Ok(good.map(|name| SavedHost::new(name, name)).collect())
}

fn table(hosts: &[SavedHost]) -> String {
    let head = ["NAME", "HOST", "KEY", "VIA", "CLUSTER"];
    let mut rows = vec![head.map(Cell::plain).to_vec()];
    for host in hosts {
        let key = host.identities.first();
        let key = key.map_or(String::new(), |path| path.display().to_string());
        let cells = [
            host.id.to_string(),
            login(host),
            key,
            host.jumps.join(", "),
            cluster_words(host),
        ];
        rows.push(cells.iter().map(|text| Cell::plain(text)).collect());
    }
    render(&rows, false)
}

fn login(host: &SavedHost) -> String {
    let address = if host.address.contains(':') && host.port.is_some() {
        format!("[{}]", host.address)
    } else {
        host.address.clone()
    };
    let user = host.user.as_ref().map(|user| format!("{user}@"));
    let port = host.port.map(|port| format!(":{port}"));
    format!(
        "{}{address}{}",
        user.unwrap_or_default(),
        port.unwrap_or_default()
    )
}

fn cluster_words(host: &SavedHost) -> String {
    let source = host.cluster_source();
    let place = match &source.kubeconfig {
        Kubeconfig::Default => "kubectl's own".to_owned(),
        Kubeconfig::File(path) => path.display().to_string(),
        Kubeconfig::OnHost { path: None } => "found on the host".to_owned(),
        Kubeconfig::OnHost { path: Some(path) } => format!("{path} on the host"),
    };
    let context = source.context.map(|name| format!(", context {name}"));
    format!("{place}{}", context.unwrap_or_default())
}

/// One host in lines.
fn lines(host: &SavedHost) -> String {
    let mut rows = vec![("Name", host.id.to_string()), ("Host", login(host))];
    rows.extend(
        host.identities
            .iter()
            .map(|path| ("Key", path.display().to_string())),
    );
    rows.extend(host.jumps.iter().map(|jump| ("Via", jump.clone())));
    rows.extend(host.options.iter().map(|option| ("Option", option.clone())));
    rows.push(("Cluster", cluster_words(host)));
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|(name, value)| vec![Cell::plain(name), Cell::plain(value)])
        .collect();
    render(&rows, false)
}
