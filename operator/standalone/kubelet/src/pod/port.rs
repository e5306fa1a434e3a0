//! The ports that a Pod declares, and those of this machine that stand for them.
//!
//! They are written as annotations of the Pod, `standalone.flynn.io/port.<declared>: "<port>"`, from which endpoints are
//! made. A port with a `hostPort`, which every port has under `hostNetwork`, stands for itself.

use std::collections::BTreeMap;
use std::io;

use k8s_openapi::api::core::v1::{Container, ContainerPort, Pod};

use crate::port::Ports;

/// What an annotation is called that says which port stands for a declared one.
pub(crate) const ANNOTATION: &str = "standalone.flynn.io/port.";

/// Which port stands for a declared one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodPorts(BTreeMap<u16, u16>);

impl PodPorts {
    /// Ports for all that a Pod declares: those that its annotations name, if they are still free, else others.
    pub(crate) fn assign(pod: &Pod, ports: &Ports) -> io::Result<Self> {
        let named = Self::named(pod);
        let mut assigned = BTreeMap::new();
        for (declared, fixed) in declared_by_pod(pod) {
            let before = named.0.get(&declared).copied().filter(|port| fixed.is_none() && ports.take(*port));
            let port = match fixed.or(before) {
                Some(port) => port,
                None => ports.allot()?,
            };
            assigned.insert(declared, port);
        }
        Ok(Self(assigned))
    }

    /// Those that a Pod's annotations name.
    pub(crate) fn named(pod: &Pod) -> Self {
        let annotations = pod.metadata.annotations.iter().flatten();
        let named = annotations.filter_map(|(name, port)| {
            Some((name.strip_prefix(ANNOTATION)?.parse().ok()?, port.parse().ok()?))
        });
        Self(named.collect())
    }

    /// As annotations.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(declared, port)| (format!("{ANNOTATION}{declared}"), port.to_string())).collect()
    }

    /// The port that stands for a number, which is itself if it is not declared.
    pub(crate) fn of(&self, declared: u16) -> u16 {
        self.0.get(&declared).copied().unwrap_or(declared)
    }

    /// Other ports for those of a container that somebody else has taken since.
    pub(crate) fn renew(&mut self, container: &Container, ports: &Ports) -> io::Result<()> {
        for (declared, fixed) in declared_by(container) {
            let port = self.of(declared);
            if fixed.is_none() && !ports.is_free(port) {
                let other = ports.allot()?;
                ports.release(port);
                self.0.insert(declared, other);
            }
        }
        Ok(())
    }

    /// Gives them back.
    pub(crate) fn release(&self, ports: &Ports) {
        self.0.values().for_each(|port| ports.release(*port));
    }
}

/// The TCP ports that a container declares, in order.
pub(crate) fn tcp(container: &Container) -> impl Iterator<Item = &ContainerPort> {
    container.ports.iter().flatten().filter(|port| port.protocol.as_deref().is_none_or(|name| name == "TCP"))
}

/// The declared number of a port, and the port of the machine if it is fixed.
fn declared_by(container: &Container) -> impl Iterator<Item = (u16, Option<u16>)> {
    tcp(container).filter_map(|port| {
        let fixed = port.host_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
        Some((u16::try_from(port.container_port).ok()?, fixed))
    })
}

fn declared_by_pod(pod: &Pod) -> impl Iterator<Item = (u16, Option<u16>)> {
    let spec = pod.spec.iter();
    let containers = spec.flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers));
    containers.flat_map(declared_by)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(annotations: serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"annotations": annotations},
            "spec": {"containers": [{"name": "web", "ports": [
                {"containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"},
                {"containerPort": 9090, "hostPort": 9090},
            ]}]},
        }))
        .unwrap()
    }

    #[test]
    fn every_tcp_port_gets_one_and_a_host_port_stands_for_itself() {
        let ports = PodPorts::assign(&pod(json!({})), &Ports::of([127, 0, 0, 1].into())).unwrap();
        assert_eq!(ports.0.keys().copied().collect::<Vec<_>>(), [8080, 9090]);
        assert_eq!((ports.of(9090), ports.of(53)), (9090, 53));
        assert_ne!(ports.of(8080), 8080);
    }

    #[test]
    fn what_the_annotations_say_is_kept_while_it_is_free() {
        let allotter = Ports::of([127, 0, 0, 1].into());
        let before = allotter.allot().unwrap();
        allotter.release(before);
        let pod = pod(json!({format!("{ANNOTATION}8080"): before.to_string()}));
        let ports = PodPorts::assign(&pod, &allotter).unwrap();
        assert_eq!(ports.of(8080), before);
        assert_eq!(ports.annotations()[&format!("{ANNOTATION}8080")], before.to_string());
        assert_ne!(PodPorts::assign(&pod, &allotter).unwrap().of(8080), before, "another Pod has it");
    }
}
