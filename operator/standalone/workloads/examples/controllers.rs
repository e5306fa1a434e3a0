//! Runs the controllers against the API of the kubeconfig, to try them out: all of them, or those that are named.

use std::collections::BTreeSet;

use workloads::{Controller, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let named: BTreeSet<String> = std::env::args().skip(1).collect();
    let is_named = |controller: &Controller| {
        named.is_empty() || named.contains(&format!("{controller:?}").to_lowercase())
    };
    let controllers = Controller::ALL.into_iter().filter(is_named).collect();
    let client = kube::Client::try_default().await?;
    match workloads::run(client, Options { controllers, ..Options::default() }).await {}
}
