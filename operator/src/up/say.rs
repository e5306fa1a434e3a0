//! What `up` tells: lines of text for a person, or one JSON object a line for a program, both on standard output.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::args::Form;
use crate::stdout::print_line;

/// What happens, in the order in which it does.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Event {
    /// Everything that listens, listens.
    Listening {
        /// The kubeconfig of the administrator.
        kubeconfig: PathBuf,
        /// The URL of the Kubernetes API.
        server: String,
        /// Where plain HTTP is served.
        http: Option<String>,
        /// Where HTTPS is served.
        https: Option<String>,
        /// Where the router's admin API is.
        #[serde(skip_serializing_if = "Option::is_none")]
        admin: Option<String>,
    },
    /// The folder was applied; this many objects are in it.
    Applied {
        /// How many.
        objects: usize,
        /// Those that are not in it any more.
        deleted: Vec<String>,
    },
    /// An object has become ready.
    Progress {
        /// Which.
        object: String,
    },
    /// Something takes its time.
    Waiting {
        /// Which.
        object: String,
        /// What it says of itself.
        message: String,
    },
    /// Something does not become ready before a person changes it.
    Failed {
        /// Which, as far as that can be told.
        object: String,
        /// Where in the manifests.
        #[serde(skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// The sentence.
        message: String,
    },
    /// Everything that was applied is ready.
    Ready {
        /// Where the Apps are served.
        urls: Vec<String>,
        /// The file with the authority that clients have to trust, if there is one of our own.
        #[serde(skip_serializing_if = "Option::is_none")]
        ca: Option<PathBuf>,
    },
    /// The end was asked for.
    Stopping,
    /// Everything has ended.
    Stopped,
}

/// Tells events in one form.
pub(super) struct Say {
    form: Form,
    start: Instant,
}

impl Say {
    pub(super) fn new(form: Form) -> Self {
        Self { form, start: Instant::now() }
    }

    pub(super) fn event(&self, event: &Event) {
        match self.form {
            Form::Json => {
                let line = serde_json::to_string(event).expect("an event is strings and numbers");
                print_line(&line);
            }
            Form::Text => {
                for line in text(event) {
                    // What follows a line without its time belongs to the line above.
                    match line.strip_prefix('|') {
                        Some(rest) => print_line(rest),
                        None => print_line(&format!("{:7.2} s  {line}", self.start.elapsed().as_secs_f64())),
                    }
                }
            }
        }
    }
}

fn text(event: &Event) -> Vec<String> {
    match event {
        Event::Listening { kubeconfig, server, http, https, admin: _ } => {
            let router: Vec<_> = http.iter().chain(https).map(String::as_str).collect();
            let router = match router.as_slice() {
                [] => String::new(),
                addresses => format!(", the router on {}", addresses.join(" and ")),
            };
            vec![
                format!("the Kubernetes API listens on {server}{router}"),
                format!("|           export KUBECONFIG={}", kubeconfig.display()),
            ]
        }
        Event::Applied { objects, deleted } => {
            let mut lines = vec![format!("applied {objects} objects")];
            lines.extend(
                deleted.iter().map(|object| format!("deleted {object}, which is in no file any more")),
            );
            lines
        }
        Event::Progress { object } => vec![format!("{object} is ready")],
        Event::Waiting { object, message } => vec![format!("{object} is not ready: {message}")],
        Event::Failed { object, place, message } => {
            let place = place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            let object = if object.is_empty() { String::new() } else { format!("{object}: ") };
            vec![format!("FAILED  {place}{object}{message}")]
        }
        Event::Ready { urls, ca } => {
            let mut lines = vec!["everything is ready".to_owned(), "|".to_owned()];
            let trust = ca.as_ref().map(|ca| format!("--cacert {} ", ca.display())).unwrap_or_default();
            for url in urls {
                let trust = if url.starts_with("https://") { trust.as_str() } else { "" };
                lines.push(format!("|  curl {trust}{url}/"));
            }
            lines.push("|  kubectl get clusters,apps,routes,certificates,pods -A".to_owned());
            lines.push("|".to_owned());
            lines.push("|Ctrl-C ends it all.".to_owned());
            lines
        }
        Event::Stopping => vec!["ending: the router, the processes, the API".to_owned()],
        Event::Stopped => vec!["everything has ended".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_json_with_its_name() {
        let event = Event::Failed { object: "App a/b".into(), place: None, message: "set \"x\"".into() };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"failed","object":"App a/b","message":"set \"x\""}"#
        );
    }

    #[test]
    fn the_curl_line_trusts_the_authority_for_https_only() {
        let urls = vec!["https://a.localhost:8443".to_owned(), "http://b.localhost:8080".to_owned()];
        let lines = text(&Event::Ready { urls, ca: Some("/d/ca.crt".into()) });
        assert!(
            lines.contains(&"|  curl --cacert /d/ca.crt https://a.localhost:8443/".to_owned()),
            "{lines:?}"
        );
        assert!(lines.contains(&"|  curl http://b.localhost:8080/".to_owned()));
    }
}
