//! What objects are called, parsed once at the edge so that later code cannot be wrong.

use std::fmt;

use serde::{Serialize, Serializer};

/// The namespace and name of an object; the namespace is empty for a cluster-scoped one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The namespace, or empty.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// Names a namespaced object.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Names a cluster-scoped object.
    pub fn cluster_scoped(name: impl Into<String>) -> Self {
        Self::new("", name)
    }

    /// The key of any object of the API.
    pub fn of<K: kube::Resource>(object: &K) -> Self {
        let meta = object.meta();
        Self::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}

impl Serialize for ObjectKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A host as a Route declares it: an exact name, `*.rest`, or `*`; lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct HostName(String);

impl HostName {
    /// Takes a host as it is declared; names of hosts do not depend on case (RFC 4343).
    #[must_use]
    pub fn new(declared: &str) -> Self {
        Self(declared.to_ascii_lowercase())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this host lies under `domain` or is it. A wildcard lies under the domain that its rest lies under.
    #[must_use]
    pub fn is_under(&self, domain: &str) -> bool {
        self.prefix_under(domain).is_some()
    }

    /// What stands before `domain`, with its dot: `www.` of `www.site.com` under `site.com`, empty for the domain
    /// itself, and nothing for a host that does not lie under it.
    #[must_use]
    pub fn prefix_under(&self, domain: &str) -> Option<&str> {
        let prefix = self.0.strip_suffix(domain)?;
        (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One port of a Kubernetes Service; its text is the name of that service in the router's configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePort {
    /// The Service.
    pub service: ObjectKey,
    /// The Service's port, not the endpoints'.
    pub port: u16,
}

impl fmt::Display for ServicePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_lies_under_a_domain_by_whole_labels() {
        assert_eq!(HostName::new("www.site.com").prefix_under("site.com"), Some("www."));
        assert_eq!(HostName::new("site.com").prefix_under("site.com"), Some(""));
        assert_eq!(HostName::new("*.Site.com").prefix_under("site.com"), Some("*."));
        assert_eq!(HostName::new("mysite.com").prefix_under("site.com"), None);
    }
}
