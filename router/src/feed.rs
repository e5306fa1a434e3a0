//! Feeds configurations to a router: from a file that is watched, or from lines on standard input.
//!
//! In comes JSON; out goes a [`Server`] that serves it, and for lines an answer each. What cannot be read is refused
//! whole, with the place of its fault, and what was served before goes on being served. Flags and variables stand above
//! each configuration. The listening addresses are those of the first one: changing them needs a restart.

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use router::{Addresses, Applied, Fault, Handle, Options, Server};
use router_config::{Config, Listen};
use serde::Serialize;
use tokio::sync::watch;

use crate::args::Args;
use crate::overrides::Overrides;

/// What is served, and by which addresses it was started.
pub(crate) struct Feed {
    handle: Handle,
    overrides: Overrides,
    listen: Listen,
    addresses: Addresses,
}

/// The answer to a line that is served.
#[derive(Serialize)]
struct Served<'a> {
    listening: Listening<'a>,
    #[serde(flatten)]
    applied: &'a Applied,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listening<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    https: Option<SocketAddr>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    extra_http: &'a [SocketAddr],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    extra_https: &'a [SocketAddr],
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<SocketAddr>,
}

impl Feed {
    /// Starts a router on the first configuration, and goes on feeding it in the background.
    pub(crate) fn start(args: &Args) -> Result<Server> {
        let overrides = Overrides::read(&args.flags, |name| {
            env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })?;
        let options = options(args);
        match args.config.as_deref() {
            None => bail!("give the configuration with --config FILE, or --config - for standard input"),
            Some(path) if path == Path::new("-") => from_lines(overrides, options),
            Some(path) => from_file(path, overrides, options),
        }
    }

    fn open(mut config: Config, overrides: Overrides, options: Options) -> Result<(Self, Server, Applied)> {
        overrides.apply(&mut config);
        let handle = Handle::new();
        // Filled before it listens, so that no request meets an empty table.
        let mut applied = handle.replace(&config);
        let server = Server::start(&config.listen, handle.clone(), options)?;
        applied.faults.extend(server.faults().borrow().iter().cloned());
        let addresses = server.addresses().clone();
        Ok((Self { handle, overrides, listen: config.listen, addresses }, server, applied))
    }

    fn replace(&self, mut config: Config) -> Result<Applied> {
        self.overrides.apply(&mut config);
        if config.listen != self.listen {
            bail!("`listen` cannot change while the router runs: restart it, or put the old addresses back");
        }
        Ok(self.handle.replace(&config))
    }

    fn answer(&self, applied: &Applied) -> Result<String> {
        let Addresses { http, https, extra_http, extra_https, admin } = &self.addresses;
        let (http, https, admin) = (*http, *https, *admin);
        let listening = Listening { http, https, extra_http, extra_https, admin };
        Ok(serde_json::to_string(&Served { listening, applied })?)
    }
}

fn options(args: &Args) -> Options {
    let defaults = Options::default();
    Options {
        workers: args.workers.map_or(defaults.workers, usize::from),
        max_connections: args.max_connections.map(|count| count as usize),
        max_connections_per_client: args.max_connections_per_client,
        share_ports: args.share_ports,
        access_log: args.access_log(),
        ..defaults
    }
}

/// Tells the log of faults that come from the machine and not from a configuration, as they come. It does not end.
pub(crate) async fn warn(mut faults: watch::Receiver<Vec<Fault>>) {
    while faults.changed().await.is_ok() {
        faults.borrow_and_update().iter().for_each(log);
    }
    std::future::pending::<()>().await;
}

fn log(fault: &Fault) {
    tracing::warn!(subject = ?fault.subject, "{}", fault.reason);
}

fn from_lines(overrides: Overrides, options: Options) -> Result<Server> {
    let mut lines = io::stdin().lock().lines();
    let first = loop {
        let line = lines.next().context("standard input ended before a configuration came")??;
        match parse(&line) {
            Ok(config) => break config,
            Err(error) => refuse(&error)?,
        }
    };
    let opened = Feed::open(first, overrides, options);
    let (feed, server, applied) = opened.inspect_err(|error| {
        // The reason is printed at the exit too; a lost answer changes nothing about it.
        let _ = refuse(error);
    })?;
    say(&feed.answer(&applied)?)?;
    drop(lines);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let answered = line.map_err(Into::into).and_then(|line| answer_line(&feed, &line));
            if let Err(error) = answered {
                return tracing::error!("{error:#}: no further configuration is read");
            }
        }
    });
    Ok(server)
}

fn answer_line(feed: &Feed, line: &str) -> Result<()> {
    match parse(line).and_then(|config| feed.replace(config)) {
        Ok(applied) => say(&feed.answer(&applied)?),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &anyhow::Error) -> Result<()> {
    say(&serde_json::json!({ "error": format!("{error:#}") }).to_string())
}

fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write the answer to standard output")
}

fn from_file(path: &Path, overrides: Overrides, options: Options) -> Result<Server> {
    // Watched before it is read, so that no change falls between.
    let (watcher, changes) = watch(path)?;
    let text = read(path)?;
    let config = parse(&text).with_context(|| path.display().to_string())?;
    let (feed, server, applied) = Feed::open(config, overrides, options)?;
    report(&applied);
    let Addresses { http, https, extra_http, extra_https, admin } = &feed.addresses;
    tracing::info!(
        http = http.map(display),
        https = https.map(display),
        extra_http = (!extra_http.is_empty()).then(|| debug(extra_http)),
        extra_https = (!extra_https.is_empty()).then(|| debug(extra_https)),
        admin = admin.map(display),
        "listening"
    );
    let path = path.to_owned();
    thread::spawn(move || {
        let _watcher = watcher;
        follow(&feed, &path, text, &changes);
    });
    Ok(server)
}

/// Watches the folder: an editor renames a new file over the old one, Kubernetes swaps a symbolic link beside it.
fn watch(path: &Path) -> Result<(RecommendedWatcher, Receiver<()>)> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let (changed, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading the file is an event too.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // Without a receiver the process is ending.
            let _ = changed.send(());
        }
    })?;
    watcher
        .watch(&folder, RecursiveMode::NonRecursive)
        .with_context(|| format!("cannot watch {}", folder.display()))?;
    Ok((watcher, changes))
}

fn follow(feed: &Feed, path: &Path, mut served: String, changes: &Receiver<()>) {
    while changes.recv().is_ok() {
        // Events come in bursts.
        while changes.try_recv().is_ok() {}
        let text = match read(path) {
            Ok(text) if text == served => continue,
            Ok(text) => text,
            Err(error) => {
                tracing::warn!("{error:#}; what was served before is still served");
                continue;
            }
        };
        match parse(&text).and_then(|config| feed.replace(config)) {
            Ok(applied) => report(&applied),
            Err(error) => {
                tracing::error!("{}: {error:#}; what was served before is still served", path.display());
            }
        }
        served = text;
    }
}

fn report(applied: &Applied) {
    applied.faults.iter().for_each(log);
    tracing::info!(generation = applied.generation, faults = applied.faults.len(), "serving");
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A whole configuration, or the place of its fault.
fn parse(text: &str) -> Result<Config> {
    let mut json = serde_json::Deserializer::from_str(text);
    let config = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        match path.as_str() {
            // The fault is in the JSON itself.
            "." | "?" => anyhow!("{}", error.into_inner()),
            _ => anyhow!("{path}: {}", error.into_inner()),
        }
    })?;
    json.end().context("something follows the configuration")?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_named_by_its_place() {
        let fault = |text| parse(text).unwrap_err().to_string();
        let text = r#"{"services": {"web": {"endpoints": ["10.0.0.1"]}}}"#;
        assert!(
            fault(text).starts_with("services.web.endpoints[0]: invalid socket address"),
            "{}",
            fault(text)
        );
        assert!(fault(r#"{"hosts": {"a": {"pathz": {}}}}"#).starts_with("hosts.a.pathz: unknown field"));
        assert!(fault("{").starts_with("EOF"));
        assert!(fault("{} {}").starts_with("something follows"));
    }
}
