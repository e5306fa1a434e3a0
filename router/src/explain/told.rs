//! What is asked about a request, and what is told: plain data, for people and programs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::CertificateSeen;

/// A request that somebody might make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Whole, with `http://` or `https://`.
    pub url: String,
    /// Default: GET.
    pub method: String,
    /// The client's address. Default: 127.0.0.1.
    pub client: IpAddr,
    /// The name in the TLS handshake. Default: the URL's host, as every client does it.
    pub server_name: Option<String>,
}

impl Question {
    /// A GET from this machine.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            method: "GET".to_owned(),
            client: Ipv4Addr::LOCALHOST.into(),
            server_name: None,
        }
    }
}

/// What a request meets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The entry of the table that serves the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Matched>,
    /// The path of that entry that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The certificate that the client is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateSeen>,
    /// What becomes of the request.
    pub outcome: Outcome,
}

/// An entry of the table, and why it serves a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Matched {
    /// As it is written in the configuration, without the port.
    pub pattern: String,
    /// The port that it is served on; none: the default ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Why it serves the name.
    pub because: Because,
}

/// Why an entry of the table serves a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Because {
    /// It has that very name.
    Exact,
    /// It stands for the names under its own, and no other entry is closer.
    Wildcard,
    /// It stands for all names, and no other entry serves this one.
    Any,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// It is sent to one of the endpoints of a service.
    Forwarded {
        /// Which.
        service: String,
        /// How.
        rules: Rules,
        /// Those that it can go to.
        endpoints: Vec<EndpointSeen>,
    },
    /// It is answered with a redirect.
    Redirected {
        /// The status.
        status: u16,
        /// Where to.
        location: String,
    },
    /// The router answers by itself that it is well.
    Answered {
        /// The status.
        status: u16,
    },
    /// The router refuses it.
    Refused {
        /// The status; none: there is no answer, because nobody listens there or the TLS handshake fails.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Why, in one sentence.
        reason: String,
    },
}

/// How requests of a route are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Whether clients stay with their endpoint.
    pub sticky: bool,
    /// Whether only the leader gets requests.
    pub leader: bool,
    /// How long the endpoint may take until the head of its response, in seconds.
    pub response_seconds: u64,
    /// How long a client may rest within a body, in seconds.
    pub idle_seconds: u64,
    /// The least rate of a request's body, in bytes per second; 0: any.
    #[serde(default)]
    pub min_body_bytes_per_second: u32,
    /// The largest request body, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_body_bytes: Option<u64>,
    /// The networks that clients may come from; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
}

/// An endpoint as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointSeen {
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it gets requests, or is asked only when no other is left.
    pub state: State,
    /// The requests that it is serving, over all services that it is in.
    pub in_flight: usize,
    /// Whether it is the leader of the service.
    pub leader: bool,
}

/// Whether an endpoint gets requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It does.
    Healthy,
    /// It failed several requests in a row a moment ago.
    Ejected,
    /// It does not answer its health checks as it should.
    Unhealthy,
}
