//! `make run AWS=1`: the quickstart with Elastic IPs, Route 53 and a bucket, on one machine and without an account. Nothing comes in;
//! what was made, and lines to try, go out, until Ctrl-C.
//!
//! ```text
//!   flynn-operator up <---- manifests.rs (the quickstart, three Nodes, spec.aws, a Blobstore)
//!        |   '--- AWS calls ---> the doubles: EC2, Route 53, DNS, IAM, S3 <--- orders on standard input
//!        |                                                         ^
//!        |-- App notes ------- objects, with the Blobstore's keys -'
//!        '-- router <--- machines at their Elastic IPs <--- curl, health checkers
//! ```
//!
//! The addresses are in 127.0.0.0/8, where Linux lets everybody listen, so that neither root nor a network of its own is needed.

mod manifests;
mod report;

use std::fs::{create_dir_all, remove_dir_all};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use e2e::amazon::Port;
use e2e::amazon::console::{self, Console};
use e2e::machine::Machine;
use e2e::platform::repository;
use e2e::{Amazon, ports};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::manifests::{Declared, Node};
use crate::report::Report;

/// The region that is played.
const REGION: &str = "us-east-1";

/// The root domain of the quickstart.
const DOMAIN: &str = "flynn.localhost";

/// The bucket of the Blobstore.
const BUCKET: &str = "flynn-quickstart-notes";

/// Plays an AWS account with three machines, starts `flynn-operator up` on the quickstart with them, and prints what it made
/// there. Ctrl-C ends everything.
#[derive(Debug, Parser)]
#[command(name = "quickstart-aws", max_term_width = 100)]
struct Arguments {
    /// The port for plain HTTP, of this machine and of each played one. 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    http_port: u16,

    /// The same for HTTPS.
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    https_port: u16,

    /// The port of the Kubernetes API. 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 6443)]
    api_port: u16,

    /// The folder for everything that is written. It is emptied first. Default: target/quickstart-aws.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Ends as soon as everything was printed.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut ended = signal(SignalKind::terminate())?;
    let mut playground = tokio::select! {
        started = Playground::start(&arguments) => started?,
        () = asked(&mut ended) => return Ok(()),
    };
    let outcome = tokio::select! {
        outcome = playground.show(arguments.once) => outcome,
        () = asked(&mut ended) => Ok(()),
    };
    playground.machine.stop().await?;
    outcome
}

/// Waits for Ctrl-C or SIGTERM.
async fn asked(ended: &mut Signal) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = ended.recv() => {}
    }
}

/// Everything that runs.
struct Playground {
    amazon: Rc<Amazon>,
    console: Console,
    machine: Machine,
    data: PathBuf,
    https: SocketAddr,
}

impl Playground {
    /// Starts it, and says how that goes.
    async fn start(arguments: &Arguments) -> Result<Self> {
        let start = Instant::now();
        let tell = |line: &str| println!("{:6.1} s  {line}", start.elapsed().as_secs_f64());
        let folder = empty(arguments.folder.clone())?;
        let [http, https, api] =
            [arguments.http_port, arguments.https_port, arguments.api_port].map(on_loopback);
        let (http, https, api) = (http?, https?, api?);

        let amazon = Rc::new(Amazon::start().await?);
        amazon.route53.create_zone(DOMAIN)?;
        let open = [http, https].map(|router| Port::forwarding(router.port(), router));
        let mut console = Console::new(Rc::clone(&amazon), open);
        let nodes = machines(&mut console).await?;
        tell(&format!("EC2 has three machines, Route 53 the zone {DOMAIN}: both are played on this machine"));

        let (manifests, data) = (folder.join("manifests"), folder.join("data"));
        let s3 = amazon.proxy.url();
        Declared { region: REGION, health_port: http.port(), s3, nodes }.write(&manifests)?;
        let given = [("--http-port", http), ("--https-port", https), ("--api-port", api)];
        let given = given.map(|(name, at)| format!("{name}={}", at.port()));
        let environment = amazon.environment(amazon.key());
        let machine = Machine::start_in(environment, &manifests, &data, &given).await?;
        tell(&format!("flynn-operator up runs on {}", manifests.display()));
        println!("          export KUBECONFIG={}", data.join("kubeconfig").display());
        machine.told("ready", &[]).await?;
        tell("everything is ready");
        Ok(Self { amazon, console, machine, data, https })
    }

    /// Tells what was made, and then carries out what a person types.
    async fn show(&mut self, once: bool) -> Result<()> {
        let Self { amazon, console, machine, data, https } = self;
        Report { amazon, machine, data, https: https.port() }.print().await?;
        if once {
            return Ok(());
        }
        println!("\nCtrl-C ends it all.");
        obey(console).await;
        Ok(())
    }
}

/// A port of 127.0.0.1; a free one for 0.
fn on_loopback(port: u16) -> Result<SocketAddr> {
    match port {
        0 => ports::free(),
        port => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
    }
}

/// One machine in each of three availability zones, by the names of their Nodes.
async fn machines(console: &mut Console) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for (number, zone) in ["a", "b", "c"].into_iter().enumerate() {
        let (name, zone) = (format!("node-{}", number + 1), format!("{REGION}{zone}"));
        let instance = console.run(&zone).await?;
        console.name(&name, &instance);
        nodes.push(Node { name, zone, instance });
    }
    Ok(nodes)
}

/// Carries out what a person types, and when nothing can be typed any more, waits to be ended.
async fn obey(console: &mut Console) {
    let mut orders = console::orders();
    while let Some(order) = orders.recv().await {
        match console.obey(&order).await {
            Ok(answer) => answer.iter().for_each(|line| println!("{line}")),
            Err(error) => println!("{error:#}"),
        }
    }
    std::future::pending::<()>().await;
}

/// The folder, with nothing in it: the account that an earlier run knew is gone.
fn empty(folder: Option<PathBuf>) -> Result<PathBuf> {
    let folder = folder.unwrap_or_else(|| repository("target/quickstart-aws").into());
    match remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        _ => create_dir_all(&folder)?,
    }
    Ok(folder.canonicalize()?)
}
