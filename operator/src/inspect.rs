//! The commands `routes` and `trace`: what a running node serves, and what becomes of one request there.
//!
//! In comes the address of a node's admin API; out goes its answer, as tables and sentences or as JSON. Nothing is written,
//! and nothing is asked of the Kubernetes API: the node tells what it does, not what was declared.

mod ask;
mod print;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use router::{Explanation, Routes};
use serde::de::DeserializeOwned;

use crate::args::{ADMIN_PORT, AdminArguments, Output, RoutesArguments, TraceArguments};
use crate::stdout::print as print_text;
use crate::up;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nothing answers there.
    #[error(
        "no node answers at {address} ({cause}): start `flynn-operator up` or `flynn-operator node` on this machine, name the address of \
         its admin API with --admin, or forward that of a node on Kubernetes with `kubectl -n flynn-system port-forward POD 9912`"
    )]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It does not answer the question.
    #[error("{0}")]
    Refused(String),
    /// Somebody else answers there.
    #[error("what answers at {0} is not the admin API of a node: name its address with --admin")]
    Stranger(SocketAddr),
}

/// Prints the table of a node.
pub(crate) async fn routes(arguments: &RoutesArguments) -> Result<(), Error> {
    let address = address(&arguments.admin);
    let text = ask::get(address, "/routes").await?;
    let routes: Routes = read(address, &text)?;
    match arguments.output {
        Output::Json => print_text(&format!("{text}\n")),
        Output::Table => print_text(&print::routes(&routes)),
    }
    Ok(())
}

/// Prints what becomes of a request.
pub(crate) async fn trace(arguments: &TraceArguments) -> Result<(), Error> {
    let TraceArguments { url, method, client, server_name, admin, output } = arguments;
    let address = address(admin);
    let client = client.map(|client| client.to_string());
    let question = [
        ("url", Some(url.as_str())),
        ("method", Some(method)),
        ("client", client.as_deref()),
        ("serverName", server_name.as_deref()),
    ];
    let query: Vec<_> = question
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", ask::encoded((*value)?))))
        .collect();
    let text = ask::get(address, &format!("/trace?{}", query.join("&"))).await?;
    let explanation: Explanation = read(address, &text)?;
    match output {
        Output::Json => print_text(&format!("{text}\n")),
        Output::Table => print_text(&print::explanation(url, &explanation)),
    }
    Ok(())
}

fn read<T: DeserializeOwned>(address: SocketAddr, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Stranger(address))
}

/// Where `up` keeps the address of its admin API, in its data folder.
pub(crate) fn address_file(data: &Path) -> PathBuf {
    data.join("admin")
}

fn address(arguments: &AdminArguments) -> SocketAddr {
    let kept = || {
        let data = up::data_folder(&arguments.data).ok()?;
        std::fs::read_to_string(address_file(&data)).ok()?.trim().parse().ok()
    };
    arguments.admin.or_else(kept).unwrap_or((Ipv4Addr::LOCALHOST, ADMIN_PORT).into())
}
