//! AWS on loopback for processes that are no Rust tests: arguments come in; the lines of an environment go out, then an empty
//! one; everything runs until the program is ended.
//!
//! Beside the variables that lead a client of AWS here there are `DNS` (where the name server answers) and `INSTANCES` (the
//! machines, with commas between them). Each line of standard input is an order ([`Console`]), answered with lines and an
//! empty one; what went wrong begins with `error: `.

use std::io::Write;
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::{Context, Result};
use clap::Parser;
use e2e::Amazon;
use e2e::amazon::console::{self, Console};
use e2e::amazon::{Port, Settings};
use tokio::signal::unix::{SignalKind, signal};

/// EC2, IAM, S3, STS and Route 53 on this machine, with machines that answer at their Elastic IPs.
#[derive(Debug, Parser)]
#[command(name = "amazon", max_term_width = 100)]
struct Arguments {
    /// A public hosted zone to begin with; can be repeated.
    #[arg(long = "zone", value_name = "NAME")]
    zones: Vec<String>,
    /// How many instances run, in one availability zone after the other.
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    machines: usize,
    /// A port at which each machine answers `/.well-known/status`; can be repeated. Low ones need root, or e2e/netns.
    #[arg(long = "port", value_name = "PORT")]
    ports: Vec<u16>,
    /// A port that leads from each machine to a server; can be repeated.
    #[arg(long = "forward", value_name = "PORT=ADDRESS", value_parser = forwarding)]
    forwards: Vec<Port>,
    /// The region.
    #[arg(long, default_value = "us-east-1")]
    region: String,
}

fn forwarding(text: &str) -> Result<Port> {
    let (number, target) = text.split_once('=').context("it has no =")?;
    Ok(Port::forwarding(number.parse()?, target.parse::<SocketAddr>()?))
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let settings = Settings { region: arguments.region.clone(), ..Settings::default() };
    let amazon = Rc::new(Amazon::with(settings).await?);
    for zone in &arguments.zones {
        amazon.route53.create_zone(zone).with_context(|| format!("cannot make the zone {zone}"))?;
    }
    let answering = arguments.ports.iter().copied().map(Port::answering);
    let mut console = Console::new(Rc::clone(&amazon), arguments.forwards.iter().copied().chain(answering));
    let mut instances = Vec::new();
    for zone in ["a", "b", "c"].into_iter().cycle().take(arguments.machines) {
        instances.push(console.run(&format!("{}{zone}", arguments.region)).await?);
    }
    print(&environment(&amazon, &instances));
    let mut ended = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for an interrupt"),
        _ = ended.recv() => Ok(()),
        () = obey(console) => Ok(()),
    }
}

/// Answers orders, and when none can come any more, waits to be ended.
async fn obey(mut console: Console) {
    let mut orders = console::orders();
    while let Some(order) = orders.recv().await {
        let answer = console.obey(&order).await.unwrap_or_else(|error| vec![format!("error: {error:#}")]);
        print(&paragraph(answer));
    }
    std::future::pending::<()>().await;
}

/// What is printed first.
fn environment(amazon: &Amazon, instances: &[String]) -> String {
    let facts = [("DNS", amazon.route53.dns().to_string()), ("INSTANCES", instances.join(","))];
    let all = amazon.environment(amazon.key()).into_iter().chain(facts);
    paragraph(all.map(|(name, value)| format!("{name}={value}")))
}

/// Lines, and an empty one.
fn paragraph(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().chain([String::new()]).map(|line| line + "\n").collect()
}

/// The reader may be gone already; the services answer all the same.
fn print(text: &str) {
    let mut output = std::io::stdout();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
