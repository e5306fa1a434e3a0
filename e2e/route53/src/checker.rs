//! The checkers: what they see of an address, and what follows from it.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html>:
//! an address changes its health after as many equal results in a row as the threshold says; a new check counts as
//! healthy until there is data; an HTTP check wants a status of 2xx or 3xx, a TCP check a connection. HTTPS is probed
//! as TCP and search strings are not read. GetHealthCheckStatus tells the last result of each checker.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::xml::health::{HealthCheckConfig, HealthCheckObservation, Regions, StatusReport};

/// Where the checkers are, unless a check names others.
const REGIONS: [&str; 8] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-west-1",
    "us-west-2",
];

/// The result of one probe, or why it failed.
pub type Probed = Result<String, String>;

/// What the checkers saw of one check.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    unhealthy: bool,
    contrary_results: u32,
    last: Option<(String, Timestamp)>,
}

impl Observed {
    /// Whether the address counts as healthy.
    pub fn is_healthy(&self) -> bool {
        !self.unhealthy
    }

    /// Counts a result; enough contrary ones in a row turn the health over.
    pub fn record(&mut self, result: &Probed, threshold: u32) {
        let text = match result {
            Ok(text) => format!("Success: {text}"),
            Err(text) => format!("Failure: {text}"),
        };
        self.last = Some((text, Timestamp::now()));
        self.contrary_results =
            if result.is_ok() == self.is_healthy() { 0 } else { self.contrary_results + 1 };
        if self.contrary_results >= threshold {
            self.unhealthy = !self.unhealthy;
            self.contrary_results = 0;
        }
    }

    /// What each checker tells; nothing before the first result.
    pub fn report(&self, config: &HealthCheckConfig) -> Vec<HealthCheckObservation> {
        let Some((status, time)) = &self.last else { return Vec::new() };
        let everywhere = || Regions::from(REGIONS.map(str::to_owned).to_vec());
        let regions = config.regions.clone().unwrap_or_else(everywhere);
        let observation = |(at, region): (usize, String)| HealthCheckObservation {
            region,
            ip_address: format!("192.0.2.{at}"),
            status_report: StatusReport { status: status.clone(), checked_time: time.to_string() },
        };
        regions.items.into_iter().enumerate().map(observation).collect()
    }
}

/// The result that a test wants the checkers to have.
pub fn played(healthy: bool) -> Probed {
    if healthy { Ok("HTTP Status Code 200, OK".to_owned()) } else { Err("Connection refused.".to_owned()) }
}

/// Probes an address as its check says.
pub async fn probe(config: &HealthCheckConfig, address: IpAddr, timeout: Duration) -> Probed {
    let port = config.port.and_then(|port| u16::try_from(port).ok()).expect("checked when it was set");
    let attempt = async {
        let stream =
            TcpStream::connect(SocketAddr::new(address, port)).await.map_err(|error| error.to_string())?;
        if config.r#type.starts_with("HTTP_") || config.r#type == "HTTP" {
            get(stream, config, address).await
        } else {
            Ok("TCP connection established".to_owned())
        }
    };
    tokio::time::timeout(timeout, attempt).await.unwrap_or_else(|_| Err("Connection timed out.".to_owned()))
}

/// Asks for the path and judges the status line.
async fn get(mut stream: TcpStream, config: &HealthCheckConfig, address: IpAddr) -> Probed {
    let path = config.resource_path.as_deref().unwrap_or("/");
    let host = config.fully_qualified_domain_name.clone().unwrap_or_else(|| address.to_string());
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Amazon-Route53-Health-Check-Service\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    while !head.contains(&b'\n') {
        let read = stream.read_buf(&mut head).await.map_err(|error| error.to_string())?;
        if read == 0 || head.len() > 4_096 {
            return Err("The endpoint sent no HTTP response.".to_owned());
        }
    }
    let line = String::from_utf8_lossy(&head);
    let status = line.split_whitespace().nth(1).unwrap_or_default();
    match status.parse::<u16>() {
        Ok(200..400) => Ok(format!("HTTP Status Code {status}")),
        _ => Err(format!("HTTP Status Code {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_turns_over_after_the_threshold_in_a_row() {
        let mut observed = Observed::default();
        let results = [false, false, true, false, false, false];
        let healthy: Vec<_> = results
            .iter()
            .map(|healthy| {
                observed.record(&played(*healthy), 3);
                observed.is_healthy()
            })
            .collect();
        assert_eq!(healthy, [true, true, true, true, true, false]);
    }
}
