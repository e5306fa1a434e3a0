//! What a rule lets in, written one way however it is declared or AWS gives it back, so that rules can be compared as sets.

use std::fmt;

use router_config::IpNet;
use serde::Serialize;

use super::super::GroupId;

/// What a rule lets in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rule {
    /// The protocol.
    pub protocol: Protocol,
    /// The ports, or ICMP's type and code; nothing for all.
    pub ports: Option<(i32, i32)>,
    /// From where.
    pub source: Source,
}

/// The protocol of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Protocol {
    /// Every one.
    All,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Another, by its name or number.
    Other(String),
}

/// From where a rule lets in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Source {
    /// From a network.
    Network(IpNet),
    /// From the interfaces that have the group which the rule is in.
    Itself,
    /// From the interfaces that have another group.
    Group(GroupId),
    /// From the networks of a prefix list.
    PrefixList(String),
}

impl Rule {
    /// Takes a rule as AWS writes it: `protocol` is a name or a number, -1 for all.
    #[must_use]
    pub fn new(protocol: &str, ports: Option<(i32, i32)>, source: Source) -> Self {
        let protocol = Protocol::new(protocol);
        let ports = ports.filter(|ports| protocol != Protocol::All && *ports != (-1, -1));
        // A network is its prefix: AWS clears the rest, and so do we.
        let source = match source {
            Source::Network(network) => Source::Network(network.trunc()),
            other => other,
        };
        Self { protocol, ports, source }
    }

    /// Whether everything that `other` lets in is let in by this rule as well.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let protocol = self.protocol == Protocol::All || self.protocol == other.protocol;
        let ports = match (self.ports, other.ports) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => ours.0 <= theirs.0 && theirs.1 <= ours.1,
        };
        let source = match (&self.source, &other.source) {
            (Source::Network(ours), Source::Network(theirs)) => ours.contains(theirs),
            (ours, theirs) => ours == theirs,
        };
        protocol && ports && source
    }
}

impl Protocol {
    fn new(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "-1" | "all" => Self::All,
            "tcp" | "6" => Self::Tcp,
            "udp" | "17" => Self::Udp,
            "1" => Self::Other("icmp".to_owned()),
            "58" => Self::Other("icmpv6".to_owned()),
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Other(name) => name,
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.protocol)?;
        match self.ports {
            Some((first, last)) if first == last => write!(f, " {first}")?,
            Some((first, last)) => write!(f, " {first}-{last}")?,
            None => {}
        }
        match &self.source {
            Source::Network(network) => write!(f, " from {network}"),
            Source::Itself => write!(f, " from itself"),
            Source::Group(group) => write!(f, " from {group}"),
            Source::PrefixList(list) => write!(f, " from {list}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Source {
        Source::Network(text.parse().unwrap())
    }

    #[test]
    fn a_rule_is_the_same_however_it_is_written() {
        let plain = Rule::new("tcp", Some((80, 80)), network("2001:db8::/32"));
        assert_eq!(Rule::new("6", Some((80, 80)), network("2001:0DB8:0:0::1/32")), plain);
        let all = Rule::new("all", None, Source::Itself);
        assert_eq!(Rule::new("-1", Some((0, 65535)), Source::Itself), all);
        assert_eq!(Rule::new("1", Some((-1, -1)), Source::Itself), Rule::new("icmp", None, Source::Itself));
    }

    #[test]
    fn a_rule_covers_what_it_lets_in_and_no_more() {
        let web = Rule::new("tcp", Some((80, 90)), network("10.0.0.0/8"));
        assert!(web.covers(&Rule::new("tcp", Some((80, 80)), network("10.1.0.0/16"))));
        assert!(!web.covers(&Rule::new("tcp", Some((80, 80)), network("0.0.0.0/0"))));
        assert!(!web.covers(&Rule::new("udp", Some((80, 80)), network("10.1.0.0/16"))));
        assert!(!web.covers(&Rule::new("tcp", None, network("10.1.0.0/16"))));
        assert!(Rule::new("-1", None, network("0.0.0.0/0")).covers(&web));
        assert!(!Rule::new("-1", None, network("::/0")).covers(&web));
    }
}
