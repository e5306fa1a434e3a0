//! The Service of a process that has a port: what Routes name, and what other Pods call.

use crds::{App, Process, ProcessProtocol, names};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::deployment::{HTTP, port};
use super::{object, process_key};
use crate::{Wish, subset};

/// The port of every such Service, whatever the process listens on: `http://<app>-<process>` is enough to call it.
const SERVICE_PORT: i32 = 80;

/// The Service of a process, if it has a port. A port that changes is found by its name, so that Pods of both kinds answer
/// while the Deployment rolls.
pub(super) fn wish(app: &App, name: &str, process: &Process) -> Option<Wish> {
    port(name, process)?;
    let selector = object::selector_labels(app, name);
    let service = Service {
        metadata: object::metadata(app, process_key(app, name), selector.clone()),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".into()),
            selector: Some(selector),
            ports: Some(vec![ServicePort {
                name: Some(HTTP.into()),
                port: SERVICE_PORT,
                app_protocol: app_protocol(process),
                protocol: Some("TCP".into()),
                target_port: Some(IntOrString::String(HTTP.into())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    Some(Wish::Service(Box::new(subset::stamp(service))))
}

/// What the router and others that look for it are told; nothing means HTTP/1.1.
fn app_protocol(process: &Process) -> Option<String> {
    match process.protocol {
        ProcessProtocol::Http => None,
        ProcessProtocol::H2c => Some(names::H2C.to_owned()),
    }
}
