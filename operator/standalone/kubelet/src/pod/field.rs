//! What a Pod tells its containers about itself: `fieldRef` and `resourceFieldRef`. Pure.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::ResourceExt as _;

use crate::quantity::thousandths;

/// A Pod and one of its containers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    pod: &'a Pod,
    container: &'a Container,
    address: IpAddr,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(pod: &'a Pod, container: &'a Container, address: IpAddr) -> Self {
        Self { pod, container, address }
    }

    pub(super) fn namespace(&self) -> String {
        self.pod.namespace().unwrap_or_default()
    }

    pub(super) fn hostname(&self) -> String {
        let own = self.pod.spec.as_ref().and_then(|spec| spec.hostname.clone());
        own.unwrap_or_else(|| self.pod.name_any())
    }

    /// A field of the Pod, by its path.
    pub(super) fn pod(&self, path: &str) -> Result<String, String> {
        let spec = self.pod.spec.as_ref();
        let value = match path {
            "metadata.name" => self.pod.name_any(),
            "metadata.namespace" => self.namespace(),
            "metadata.uid" => self.pod.uid().unwrap_or_default(),
            "spec.nodeName" => spec.and_then(|spec| spec.node_name.clone()).unwrap_or_default(),
            "spec.serviceAccountName" => {
                spec.and_then(|spec| spec.service_account_name.clone()).unwrap_or_else(|| "default".into())
            }
            "status.podIP" | "status.podIPs" | "status.hostIP" | "status.hostIPs" => self.address.to_string(),
            _ => {
                let entry = |map: &str| path.strip_prefix(map)?.strip_prefix("['")?.strip_suffix("']");
                if let Some(label) = entry("metadata.labels") {
                    self.pod.labels().get(label).cloned().unwrap_or_default()
                } else if let Some(annotation) = entry("metadata.annotations") {
                    self.pod.annotations().get(annotation).cloned().unwrap_or_default()
                } else {
                    return Err(format!("unsupported fieldPath: {path}"));
                }
            }
        };
        Ok(value)
    }

    /// What a container may use, in units of the divisor, rounded up.
    pub(super) fn resource(&self, selector: &ResourceFieldSelector) -> Result<String, String> {
        let name = selector.container_name.as_deref().unwrap_or(&self.container.name);
        let containers = self.pod.spec.iter().flat_map(|spec| &spec.containers);
        let container = containers.chain([self.container]).find(|container| container.name == name);
        let container = container.ok_or_else(|| format!("container {name} not found"))?;
        let resources = container.resources.as_ref();
        let (amounts, resource) = match selector.resource.split_once('.') {
            Some(("limits", resource)) => {
                (resources.and_then(|resources| resources.limits.as_ref()), resource)
            }
            Some(("requests", resource)) => {
                (resources.and_then(|resources| resources.requests.as_ref()), resource)
            }
            _ => return Err(format!("unsupported container resource : {}", selector.resource)),
        };
        let amount = amounts.and_then(|amounts| amounts.get(resource)).and_then(thousandths);
        // Without a limit, it is all that the machine has.
        let amount = amount.unwrap_or_else(|| match (selector.resource.as_str(), resource) {
            ("limits.cpu", _) => crate::node::processors() * 1000,
            ("limits.memory", _) => crate::node::memory() * 1000,
            _ => 0,
        });
        let whole = Quantity("1".into());
        let divisor = selector.divisor.as_ref().filter(|divisor| divisor.0 != "0").unwrap_or(&whole);
        let divisor = thousandths(divisor).filter(|divisor| *divisor > 0).unwrap_or(1000);
        Ok(amount.div_ceil(divisor).to_string())
    }
}
