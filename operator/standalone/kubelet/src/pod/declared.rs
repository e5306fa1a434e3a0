//! From what a container declares, probes, hooks and limits, to plain data with the ports of this machine. Pure.

use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, HTTPGetAction, LifecycleHandler, Probe as Declared};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::environment::main_port;
use super::port::{PodPorts, tcp};
use crate::cgroup::Limits;
use crate::container::{Hook, Readiness};
use crate::probe::{Action, Probe};
use crate::quantity::{thousandths, whole};

/// How long a process that declares a port may take until somebody is told that it does not listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(10);

/// A container, the ports that stand for its own, and the address of all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declaration<'a> {
    pub(crate) container: &'a Container,
    pub(crate) ports: &'a PodPorts,
    pub(crate) address: IpAddr,
}

impl Declaration<'_> {
    /// A probe, with Kubernetes' defaults for what it leaves out.
    pub(crate) fn probe(&self, declared: Option<&Declared>) -> Option<Probe> {
        let declared = declared?;
        let action = if let Some(exec) = &declared.exec {
            Action::Exec(exec.command.clone().unwrap_or_default())
        } else if let Some(get) = &declared.http_get {
            self.http_get(get)
        } else if let Some(tcp) = &declared.tcp_socket {
            self.tcp(tcp.host.as_deref(), &tcp.port)
        } else {
            // Of gRPC, only that somebody listens is asked.
            self.tcp(None, &IntOrString::Int(declared.grpc.as_ref()?.port))
        };
        let seconds = |seconds: Option<i32>, default: u64| {
            Duration::from_secs(seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(default))
        };
        let count =
            |count: Option<i32>, default| count.and_then(|count| count.try_into().ok()).unwrap_or(default);
        let grace = declared.termination_grace_period_seconds.and_then(|seconds| seconds.try_into().ok());
        Some(Probe {
            action,
            initial_delay: seconds(declared.initial_delay_seconds, 0),
            period: seconds(declared.period_seconds, 10).max(Duration::from_secs(1)),
            timeout: seconds(declared.timeout_seconds, 1).max(Duration::from_secs(1)),
            success_threshold: count(declared.success_threshold, 1),
            failure_threshold: count(declared.failure_threshold, 3),
            grace: grace.map(Duration::from_secs),
        })
    }

    /// When it is ready. One that declares a port and no probe must listen there first: on this machine a request could
    /// come before it does.
    pub(crate) fn readiness(&self) -> Readiness {
        if let Some(probe) = self.probe(self.container.readiness_probe.as_ref()) {
            return Readiness::Probed(probe);
        }
        let Some(port) = main_port(self.container, self.ports) else { return Readiness::Running };
        Readiness::Listening(Probe {
            action: Action::Tcp { host: self.address.to_string(), port },
            initial_delay: Duration::ZERO,
            period: LISTENS_WITHIN,
            timeout: Duration::from_secs(1),
            success_threshold: 1,
            failure_threshold: 1,
            grace: None,
        })
    }

    /// What happens before it is told to end.
    pub(crate) fn pre_stop(&self) -> Option<Hook> {
        let LifecycleHandler { exec, http_get, sleep, tcp_socket: _ } =
            self.container.lifecycle.as_ref()?.pre_stop.as_ref()?;
        if let Some(sleep) = sleep {
            return Some(Hook::Sleep(Duration::from_secs(sleep.seconds.try_into().unwrap_or_default())));
        }
        let exec = exec.as_ref().map(|exec| Action::Exec(exec.command.clone().unwrap_or_default()));
        exec.or_else(|| http_get.as_ref().map(|get| self.http_get(get))).map(Hook::Tell)
    }

    /// What it may use.
    pub(crate) fn limits(&self) -> Limits {
        let limits = self.container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
        let limit = |name: &str| limits.and_then(|limits| limits.get(name));
        Limits { memory: limit("memory").and_then(whole), cpu: limit("cpu").and_then(thousandths) }
    }

    fn http_get(&self, get: &HTTPGetAction) -> Action {
        let host = get.host.as_deref();
        // The certificate would not be looked at; of a TLS server, only that somebody listens is asked.
        if get.scheme.as_deref() == Some("HTTPS") {
            return self.tcp(host, &get.port);
        }
        let path = get.path.as_deref().unwrap_or("/");
        let slash = if path.starts_with('/') { "" } else { "/" };
        let headers = get.http_headers.iter().flatten();
        Action::HttpGet {
            host: self.host(host),
            port: self.port(&get.port),
            path: format!("{slash}{path}"),
            headers: headers.map(|header| (header.name.clone(), header.value.clone())).collect(),
        }
    }

    fn tcp(&self, host: Option<&str>, port: &IntOrString) -> Action {
        Action::Tcp { host: self.host(host), port: self.port(port) }
    }

    fn host(&self, declared: Option<&str>) -> String {
        declared.filter(|host| !host.is_empty()).map_or_else(|| self.address.to_string(), str::to_owned)
    }

    /// The port that stands for a declared one, which is a number or the name of one.
    fn port(&self, declared: &IntOrString) -> u16 {
        let number = match declared {
            IntOrString::Int(number) => Some(*number),
            IntOrString::String(name) => {
                let named = tcp(self.container).find(|port| port.name.as_deref() == Some(name));
                named.map(|port| port.container_port).or_else(|| name.parse().ok())
            }
        };
        number.and_then(|number| u16::try_from(number).ok()).map_or(0, |number| self.ports.of(number))
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::{Value, json};

    use super::*;
    use crate::pod::port::ANNOTATION;

    fn with<T>(container: Value, check: impl FnOnce(Declaration<'_>) -> T) -> T {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"annotations": {format!("{ANNOTATION}8080"): "20001"}},
            "spec": {"containers": [container]},
        }))
        .unwrap();
        let ports = PodPorts::named(&pod);
        check(Declaration {
            container: &pod.spec.unwrap().containers[0],
            ports: &ports,
            address: [127, 0, 0, 1].into(),
        })
    }

    #[test]
    fn probes_go_to_the_port_that_stands_for_the_declared_one() {
        let port = json!([{"name": "http", "containerPort": 8080}]);
        for probed in [json!(8080), json!("http")] {
            let probe = json!({"httpGet": {"path": "healthz", "port": probed}, "failureThreshold": 5});
            let container = json!({"name": "web", "ports": port, "readinessProbe": probe});
            let Readiness::Probed(probe) = with(container, |web| web.readiness()) else {
                panic!("it is probed")
            };
            let (host, path) = ("127.0.0.1".to_owned(), "/healthz".to_owned());
            assert_eq!(probe.action, Action::HttpGet { host, port: 20_001, path, headers: Vec::new() });
            assert_eq!(
                (probe.period.as_secs(), probe.timeout.as_secs(), probe.failure_threshold),
                (10, 1, 5)
            );
        }
    }

    #[test]
    fn without_a_probe_a_declared_port_must_be_listened_on_first() {
        let readiness = |container| with(container, |web| web.readiness());
        let Readiness::Listening(probe) =
            readiness(json!({"name": "web", "ports": [{"containerPort": 8080}]}))
        else {
            panic!("it must listen");
        };
        assert_eq!(probe.action, Action::Tcp { host: "127.0.0.1".into(), port: 20_001 });
        assert_eq!(readiness(json!({"name": "worker"})), Readiness::Running);
    }

    #[test]
    fn hooks_and_limits_are_read() {
        let container = json!({"name": "web", "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
            "resources": {"limits": {"memory": "64Mi", "cpu": "250m"}}});
        with(container, |web| {
            assert_eq!(web.pre_stop(), Some(Hook::Sleep(Duration::from_secs(5))));
            assert_eq!(web.limits(), Limits { memory: Some(64 * 1024 * 1024), cpu: Some(250) });
        });
    }
}
