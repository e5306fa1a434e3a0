//! How a line of the access log looks.
//!
//! In comes a finished request; out goes its line. Whatever a client sends stays within its field: a quote, a control
//! character or a byte that is no text cannot end a line or a field.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Entry, LogForm};
use crate::metrics::By;
use router_config::Scheme;

/// What the log says of a client that was gone before there was an answer, as web servers do.
const GONE: u16 = 499;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    client: String,
    method: &'a str,
    scheme: &'a str,
    host: &'a str,
    path: &'a str,
    protocol: &'a str,
    status: u16,
    /// Bytes of the body, or of a tunnel.
    received: u64,
    sent: u64,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<SocketAddr>,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_agent: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    referer: &'a str,
    /// `endpoint` or `router`.
    by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Adds a line with its end.
pub(super) fn push(out: &mut String, form: LogForm, entry: &Entry) {
    // Writing into a String does not fail, and the object is strings and numbers.
    let _ = match form {
        LogForm::Combined => push_combined(out, entry),
        LogForm::Json => push_json(out, entry),
    };
    out.push('\n');
}

fn push_json(out: &mut String, entry: &Entry) -> std::fmt::Result {
    let detail = &entry.detail;
    let text = |bytes| String::from_utf8_lossy(bytes);
    let (method, host, path) = (text(&detail.method), text(&detail.host), text(&detail.path));
    let (request_id, user_agent, referer) =
        (text(&detail.request_id), text(&detail.user_agent), text(&detail.referer));
    let line = Line {
        time: timestamp(detail.began),
        client: entry.client.to_string(),
        method: &method,
        scheme: match entry.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        },
        host: &host,
        path: &path,
        protocol: protocol(entry),
        status: status(entry),
        received: entry.received,
        sent: entry.sent,
        seconds: seconds(entry.took),
        endpoint_seconds: entry.to_head.map(seconds),
        endpoint: entry.endpoint,
        request_id: &request_id,
        route: detail.route.as_deref(),
        user_agent: &user_agent,
        referer: &referer,
        by: match entry.by {
            By::Endpoint => "endpoint",
            By::Router => "router",
        },
        reason: entry.why.or((entry.status == 0).then_some("the client was gone before there was an answer")),
    };
    let json = serde_json::to_string(&line).map_err(|_| std::fmt::Error)?;
    out.push_str(&json);
    Ok(())
}

fn push_combined(out: &mut String, entry: &Entry) -> std::fmt::Result {
    let detail = &entry.detail;
    write!(out, "{} - - [", entry.client)?;
    // `Sun, 06 Nov 1994 08:49:37 GMT`
    let date = httpdate::fmt_http_date(detail.began);
    write!(out, "{}/{}/{}:{} +0000] \"", &date[5..7], &date[8..11], &date[12..16], &date[17..25])?;
    if detail.method.is_empty() {
        out.push('-');
    } else {
        push_escaped(out, &detail.method)?;
        out.push(' ');
        push_escaped(out, &detail.path)?;
        write!(out, " {}", protocol(entry))?;
    }
    write!(out, "\" {} {} \"", status(entry), entry.sent)?;
    push_escaped(out, if detail.referer.is_empty() { b"-" } else { &detail.referer })?;
    out.push_str("\" \"");
    push_escaped(out, if detail.user_agent.is_empty() { b"-" } else { &detail.user_agent })?;
    out.push('"');
    Ok(())
}

fn push_escaped(out: &mut String, bytes: &[u8]) -> std::fmt::Result {
    for byte in bytes {
        match byte {
            b'"' | b'\\' => write!(out, "\\{}", char::from(*byte))?,
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => write!(out, "\\x{byte:02X}")?,
        }
    }
    Ok(())
}

fn protocol(entry: &Entry) -> &'static str {
    match (entry.http2, entry.detail.is_old) {
        (true, _) => "HTTP/2.0",
        (false, true) => "HTTP/1.0",
        (false, false) => "HTTP/1.1",
    }
}

fn status(entry: &Entry) -> u16 {
    if entry.status == 0 { GONE } else { entry.status }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e6
}

/// A point in time with milliseconds, as in `1994-11-06T08:49:37.000Z` (RFC 3339).
fn timestamp(time: SystemTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = httpdate::fmt_http_date(time);
    let month = MONTHS.iter().position(|month| *month == &date[8..11]).map_or(1, |place| place + 1);
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let milliseconds = since.subsec_millis();
    format!("{}-{month:02}-{}T{}.{milliseconds:03}Z", &date[12..16], &date[5..7], &date[17..25])
}

#[cfg(test)]
mod tests {
    use super::super::Detail;
    use super::*;

    fn entry() -> Entry {
        Entry {
            client: "192.0.2.1".parse().unwrap(),
            scheme: Scheme::Https,
            http2: false,
            status: 200,
            by: By::Endpoint,
            why: None,
            endpoint: Some("10.0.0.1:80".parse().unwrap()),
            took: Duration::from_micros(1500),
            to_head: Some(Duration::from_millis(1)),
            received: 0,
            sent: 5,
            detail: Detail {
                began: SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_042),
                method: (*b"GET").into(),
                host: (*b"a.com").into(),
                path: (*b"/x").into(),
                is_old: false,
                request_id: Box::default(),
                user_agent: (*b"curl \"8\"\n\xff").into(),
                referer: Box::default(),
                route: Some("*.com".into()),
            },
        }
    }

    fn line(form: LogForm, entry: &Entry) -> String {
        let mut out = String::new();
        push(&mut out, form, entry);
        out
    }

    #[test]
    fn a_combined_line_has_its_fields_in_order_and_none_can_break_out() {
        assert_eq!(
            line(LogForm::Combined, &entry()),
            "192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /x HTTP/1.1\" 200 5 \"-\" \"curl \\\"8\\\"\\x0A\\xFF\"\n"
        );
    }

    #[test]
    fn a_json_line_is_one_object_without_what_is_not_known() {
        let text = line(LogForm::Json, &entry());
        assert_eq!(text.lines().count(), 1);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["time"], "1994-11-06T08:49:37.042Z");
        assert_eq!(json["seconds"], 0.0015);
        assert_eq!(json["endpoint"], "10.0.0.1:80");
        assert_eq!(json["route"], "*.com");
        assert_eq!(json["by"], "endpoint");
        assert!(json.get("referer").is_none() && json.get("reason").is_none(), "{text}");
    }

    #[test]
    fn a_client_that_was_gone_is_told_as_such() {
        let gone = Entry { status: 0, by: By::Router, ..entry() };
        let json: serde_json::Value = serde_json::from_str(&line(LogForm::Json, &gone)).unwrap();
        assert_eq!(json["status"], 499);
        assert!(json["reason"].as_str().is_some_and(|reason| reason.contains("gone")));
    }
}
