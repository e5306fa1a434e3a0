//! The answer as tables, for people: one for the objects, two for the router's table, one for what is refused, three for AWS with notes below.

use std::fmt::Write as _;

use plan::Write;
use router_config::{Action, Host, Redirect, Scheme};

use super::answer::{Answer, Author};
use super::aws_difference::{AwsDifference, AwsFinding, BlobstoreCalls};

/// Rows under headings; every column is as wide as its widest cell.
struct Table {
    title: &'static str,
    rows: Vec<Vec<String>>,
}

/// Everything that the answer says.
pub(super) fn table(answer: &Answer) -> String {
    let mut text = String::new();
    for table in [objects(answer), router(answer), ports(answer), refusals(answer), ignored(answer)] {
        text.push_str(&table.to_text());
    }
    if let Some(aws) = &answer.aws {
        text.push_str(&calls(aws).to_text());
        text.push_str(&bucket_calls(aws).to_text());
        text.push_str(&findings(aws).to_text());
        aws.notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
    }
    text.push_str(&summary(answer));
    text
}

impl Table {
    fn new(title: &'static str, headings: &[&str]) -> Self {
        Self { title, rows: vec![headings.iter().map(ToString::to_string).collect()] }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Nothing, if there is nothing under the headings.
    fn to_text(&self) -> String {
        if self.rows.len() < 2 {
            return String::new();
        }
        let columns = self.rows[0].len();
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(line, "  {cell:width$}");
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text + "\n"
    }
}

fn objects(answer: &Answer) -> Table {
    let mut table = Table::new("Objects", &["CHANGE", "KIND", "NAME", "BY"]);
    for change in &answer.objects {
        let by = match change.by {
            Author::Manifest => "manifest",
            Author::Operator => "operator",
        };
        table.row([
            word(change.change).to_owned(),
            change.kind.to_string(),
            change.name.to_string(),
            by.to_owned(),
        ]);
    }
    table
}

fn router(answer: &Answer) -> Table {
    let mut table = Table::new("Router", &["CHANGE", "HOST", "PATH", "ACTION", "CERTIFICATE", "CLEAR TEXT"]);
    let default = answer.table.default_certificate.as_ref().unwrap_or(&answer.before.default_certificate);
    for (name, host) in &answer.table.hosts {
        let change = match (answer.before.hosts.contains_key(name), host) {
            (false, _) => Write::Create,
            (true, Some(_)) => Write::Update,
            (true, None) => Write::Delete,
        };
        let [certificate, clear_text] = security(host.as_ref(), default.as_deref());
        for (path, action) in paths(host.as_ref()) {
            let change = word(change).to_owned();
            table.row([change, name.clone(), path, action, certificate.clone(), clear_text.clone()]);
        }
    }
    table
}

fn ports(answer: &Answer) -> Table {
    let mut table = Table::new("TCP", &["CHANGE", "PORT", "ACTION"]);
    for (port, route) in &answer.table.tcp {
        let change = match (answer.before.tcp.contains_key(port), route) {
            (false, _) => Write::Create,
            (true, Some(_)) => Write::Update,
            (true, None) => Write::Delete,
        };
        let gone = || "no longer served".to_owned();
        let action = route.as_ref().map_or_else(gone, |route| format!("to {}", route.service));
        table.row([word(change).to_owned(), port.to_string(), action]);
    }
    table
}

/// The certificate with which the host is served, and what comes of a request without one.
fn security(host: Option<&Host>, default: Option<&str>) -> [String; 2] {
    let Some(host) = host else { return Default::default() };
    let certificate = host.certificate.as_deref().or(default).unwrap_or("none");
    let clear_text = if host.https_redirect { "redirected to HTTPS" } else { "answered" };
    [certificate, clear_text].map(str::to_owned)
}

fn paths(host: Option<&Host>) -> Vec<(String, String)> {
    let Some(host) = host else { return vec![(String::new(), "no longer served".to_owned())] };
    host.paths.iter().map(|(path, action)| (path.clone(), describe(action))).collect()
}

fn describe(action: &Action) -> String {
    match action {
        Action::Forward(forward) => format!("to {}", forward.service),
        Action::Status => "the router's status".to_owned(),
        Action::Redirect(redirect) => describe_redirect(redirect),
        Action::Refuse { reason } => format!("503: {reason}"),
    }
}

fn describe_redirect(redirect: &Redirect) -> String {
    let Redirect { scheme, host, port, path, code } = redirect;
    let scheme = match scheme {
        Some(Scheme::Http) => "http",
        Some(Scheme::Https) => "https",
        None => "(scheme)",
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let (host, path) = (host.as_deref().unwrap_or("(host)"), path.as_deref().unwrap_or("(path)"));
    format!("{} to {scheme}://{host}{port}{path}", u16::from(*code))
}

fn refusals(answer: &Answer) -> Table {
    let mut table = Table::new("Refused", &["KIND", "NAME", "REASON", "MESSAGE"]);
    for refused in &answer.refusals {
        let (reason, message) = (refused.refusal.reason.to_string(), refused.refusal.message.clone());
        table.row([refused.kind.to_string(), refused.name.to_string(), reason, message]);
    }
    table
}

fn ignored(answer: &Answer) -> Table {
    let mut table = Table::new("Not looked at", &["KIND", "NAME", "FILE"]);
    for ignored in &answer.ignored {
        table.row([ignored.kind.clone(), ignored.name.clone(), ignored.file.clone()]);
    }
    table
}

fn calls(aws: &AwsDifference) -> Table {
    let mut table = Table::new("AWS", &["CALL"]);
    aws.calls.iter().for_each(|call| table.row([call.clone()]));
    table
}

fn bucket_calls(aws: &AwsDifference) -> Table {
    let mut table = Table::new("AWS for Blobstores", &["BLOBSTORE", "CALL"]);
    for BlobstoreCalls { blobstore, calls } in &aws.blobstores {
        calls.iter().for_each(|call| table.row([blobstore.to_string(), call.clone()]));
    }
    table
}

fn findings(aws: &AwsDifference) -> Table {
    let mut table = Table::new("Not as declared in AWS", &["WHAT", "STATE", "MESSAGE"]);
    for AwsFinding { of, state, message } in &aws.findings {
        table.row([of.clone(), state.clone(), message.clone()]);
    }
    table
}

fn summary(answer: &Answer) -> String {
    if !answer.difference {
        return format!("No difference; {} refused.\n", answer.refusals.len());
    }
    let count = |write: Write| answer.objects.iter().filter(|change| change.change == write).count();
    let calls =
        answer.aws.as_ref().filter(|aws| aws.asked).map(|aws| format!("{} AWS calls; ", aws.all_calls()));
    format!(
        "{} to create, {} to update, {} to delete; {} hosts change; {}{} refused.\n",
        count(Write::Create),
        count(Write::Update),
        count(Write::Delete),
        answer.table.hosts.len(),
        calls.unwrap_or_default(),
        answer.refusals.len()
    )
}

fn word(write: Write) -> &'static str {
    match write {
        Write::Create => "create",
        Write::Update => "update",
        Write::Delete => "delete",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new("T", &["A", "B"]);
        assert_eq!(table.to_text(), "");
        table.row(["long".to_owned(), "x".to_owned()]);
        assert_eq!(table.to_text(), "T\n  A     B\n  long  x\n\n");
    }

    #[test]
    fn a_host_without_a_certificate_of_its_own_has_the_default() {
        let host = Host { https_redirect: true, ..Host::default() };
        assert_eq!(security(Some(&host), Some("flynn/own")), ["flynn/own", "redirected to HTTPS"]);
        assert_eq!(security(Some(&Host::default()), None), ["none", "answered"]);
        assert_eq!(security(None, Some("flynn/own")), ["", ""], "it is gone");
    }

    #[test]
    fn a_redirect_says_what_it_keeps() {
        let redirect = Redirect { host: Some("www.site.com".into()), ..Redirect::default() };
        assert_eq!(describe_redirect(&redirect), "308 to (scheme)://www.site.com(path)");
    }
}
