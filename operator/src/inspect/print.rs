//! A node's answers as people read them: the table as a table, a trace as sentences.

use router::{
    Because, CertificateSeen, EndpointSeen, Explanation, HostListed, Matched, Outcome, PathListed, Routes,
    State,
};

/// The whole table: one row for each path and TCP port.
pub(super) fn routes(routes: &Routes) -> String {
    let mut rows = vec![["HOST", "PATH", "TO", "ENDPOINTS", "CERTIFICATE"].map(str::to_owned)];
    for host in &routes.hosts {
        rows.extend(host.paths.iter().map(|path| row(host, path)));
    }
    rows.extend(routes.tcp.iter().map(|route| {
        let to =
            route.service.clone().unwrap_or_else(|| "nothing: the service is not in the table".to_owned());
        [format!("tcp port {}", route.port), String::new(), to, endpoints(&route.endpoints), String::new()]
    }));
    if rows.len() == 1 {
        return format!("The table (number {}) is empty: no route is served.\n", routes.generation);
    }
    aligned(&rows)
}

fn row(host: &HostListed, path: &PathListed) -> [String; 5] {
    let name = host.port.map_or(host.host.clone(), |port| format!("{}:{port}", host.host));
    let to = match (&path.service, &path.reason) {
        (_, Some(reason)) => format!("503: {reason}"),
        (Some(service), None) => service.clone(),
        (None, None) => path.action.clone(),
    };
    let certificate = match &host.certificate {
        Some(CertificateSeen { names, not_after, .. }) => format!("{} until {not_after}", names.join(", ")),
        None => "none".to_owned(),
    };
    [name, path.path.clone(), to, endpoints(&path.endpoints), certificate]
}

/// `2`, or `1 of 2 well`.
fn endpoints(endpoints: &[EndpointSeen]) -> String {
    let well = endpoints.iter().filter(|endpoint| endpoint.state == State::Healthy).count();
    if well == endpoints.len() { well.to_string() } else { format!("{well} of {} well", endpoints.len()) }
}

/// Every column is as wide as its widest cell, but for the last one.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  "));
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// What becomes of a request.
pub(super) fn explanation(url: &str, explanation: &Explanation) -> String {
    let Explanation { host, path, certificate, outcome } = explanation;
    let mut lines = Vec::new();
    if let Some(host) = host {
        lines.push(matched(host, path.as_deref()));
    }
    if let Some(CertificateSeen { names, not_after, sha256 }) = certificate {
        lines.push(format!(
            "The client is shown the certificate for {}, which ends {not_after}.",
            names.join(", ")
        ));
        lines.push(format!("Its SHA-256 is {sha256}."));
    }
    lines.extend(told(outcome));
    format!("{url}\n  {}\n", lines.join("\n  "))
}

fn matched(Matched { pattern, port, because }: &Matched, path: Option<&str>) -> String {
    let because = match because {
        Because::Exact => "has that very name",
        Because::Wildcard => "stands for the names under it, and no other is closer",
        Because::Any => "stands for every name that no other serves",
    };
    let port = port.map(|port| format!(" on port {port}")).unwrap_or_default();
    let path = path.map(|path| format!(" Of its paths, {path} decides.")).unwrap_or_default();
    format!("The host is served by `{pattern}`{port}, which {because}.{path}")
}

fn told(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Forwarded { service, rules, endpoints } => {
            let which = match (endpoints.len(), rules.leader) {
                (_, true) => "the leader".to_owned(),
                (1, false) => "the one endpoint".to_owned(),
                (count, false) => format!("one of the {count} endpoints"),
            };
            let sticky = if rules.sticky { "; a client stays with the one that it had first" } else { "" };
            let first = format!("It is sent to {which} of the service `{service}`{sticky}:");
            std::iter::once(first).chain(endpoints.iter().map(endpoint)).collect()
        }
        Outcome::Redirected { status, location } => {
            vec![format!("It is redirected ({status}) to {location}.")]
        }
        Outcome::Answered { status } => {
            vec![format!("The router answers by itself ({status}): it is asked how it is.")]
        }
        Outcome::Refused { status: Some(status), reason } => {
            vec![format!("The router refuses it with {status}: {reason}.")]
        }
        Outcome::Refused { status: None, reason } => vec![format!("There is no answer: {reason}.")],
    }
}

fn endpoint(endpoint: &EndpointSeen) -> String {
    let EndpointSeen { address, state, in_flight, leader } = endpoint;
    let state = match state {
        State::Healthy => "is well",
        State::Ejected => "failed its last requests, and is left alone for a while",
        State::Unhealthy => "fails its health checks",
    };
    let leader = if *leader { ", is the leader" } else { "" };
    format!("  {address} {state}{leader}, and serves {in_flight} requests now")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> T {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_table_has_a_row_for_each_path() {
        let endpoint = |state: &str| serde_json::json!({"address": "10.0.0.1:80", "state": state, "inFlight": 0, "leader": false});
        let listed = parse(
            serde_json::json!({"generation": 7, "tcp": [{"port": 3000, "endpoints": []}], "hosts": [
                {"host": "a.com", "port": 8080, "httpsRedirect": false, "paths": [
                    {"path": "/", "action": "forward", "service": "web", "endpoints": [endpoint("healthy"), endpoint("ejected")]},
                    {"path": "/no/", "action": "refuse", "endpoints": [], "reason": "not yet"},
                ]},
            ]}),
        );
        let text = routes(&listed);
        let rows: Vec<_> = text
            .lines()
            .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>())
            .collect();
        assert_eq!(rows[1], ["a.com:8080", "/", "web", "1 of 2 well", "none"]);
        assert_eq!(rows[2][2], "503: not yet");
        assert_eq!(rows[3][0], "tcp port 3000");
        let empty = Routes { generation: 7, hosts: Vec::new(), tcp: Vec::new() };
        assert!(routes(&empty).contains("no route is served"));
    }

    #[test]
    fn a_trace_is_told_in_sentences() {
        let told = explanation(
            "http://a.com/",
            &parse(serde_json::json!({
                "host": {"pattern": "*.com", "because": "wildcard"}, "path": "/",
                "outcome": {"is": "refused", "status": 503, "reason": "the service web has no endpoint that is ready"},
            })),
        );
        assert_eq!(
            told,
            "http://a.com/\n  The host is served by `*.com`, which stands for the names under it, and no other is closer. Of its paths, / decides.\n  \
             The router refuses it with 503: the service web has no endpoint that is ready.\n"
        );
    }
}
