//! Hosts by name, in shards that tables share.
//!
//! In comes the name that a request or a TLS hello carries; out goes the host that serves it. A hot lookup: one hash
//! for an exact name, at most five more for wildcards, nothing allocated. An edit copies the one shard it touches.
//! Names are hashed with a seed drawn at the start, so that nobody can choose names which collide.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::Host;
use super::pattern::{MAX_NAME, Pattern};

/// How many labels a wildcard stands for, at most, beside its own parent.
const MAX_STRIPS: usize = 4;

const SHARDS: usize = 256;

/// All hosts.
#[derive(Clone, Default)]
pub(crate) struct Hosts {
    exact: Shards,
    /// Wildcards, by their parent.
    under: Shards,
    any: Option<Arc<Host>>,
}

#[derive(Clone)]
struct Shards {
    shards: Vec<Arc<Shard>>,
    seed: RandomState,
    len: usize,
}

type Shard = HashTable<Entry>;

#[derive(Clone)]
struct Entry {
    hash: u64,
    host: Arc<Host>,
}

impl Hosts {
    /// The host for a name: the exact one, else the wildcard that strips the fewest labels and at most four, else `*`.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Host> {
        let mut lower = [0; MAX_NAME];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return self.any.as_deref();
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.exact.get(lower).or_else(|| self.wildcard(lower)).or(self.any.as_deref())
    }

    fn wildcard(&self, name: &[u8]) -> Option<&Host> {
        if self.under.len == 0 {
            return None;
        }
        let mut rest = name;
        for _ in 0..MAX_STRIPS {
            if let Some(host) = self.under.get(rest) {
                return Some(host);
            }
            let dot = memchr::memchr(b'.', rest)?;
            rest = &rest[dot + 1..];
        }
        self.under.get(rest)
    }

    /// Every host, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Host> {
        self.exact.all().chain(self.under.all()).chain(self.any.as_deref())
    }

    pub(crate) fn insert(&mut self, pattern: Pattern<'_>, host: Arc<Host>) {
        match pattern {
            Pattern::Exact(_) => self.exact.insert(host),
            Pattern::Under(_) => self.under.insert(host),
            Pattern::Any => self.any = Some(host),
        }
    }

    pub(crate) fn remove(&mut self, pattern: Pattern<'_>) {
        match pattern {
            Pattern::Exact(name) => self.exact.remove(name),
            Pattern::Under(parent) => self.under.remove(parent),
            Pattern::Any => self.any = None,
        }
    }
}

impl Shards {
    fn get(&self, name: &[u8]) -> Option<&Host> {
        let hash = self.seed.hash_one(name);
        self.shards[shard_of(hash)].find(hash, |entry| domain(&entry.host) == name).map(|entry| &*entry.host)
    }

    fn all(&self) -> impl Iterator<Item = &Host> {
        self.shards.iter().flat_map(|shard| shard.iter().map(|entry| &*entry.host))
    }

    fn insert(&mut self, host: Arc<Host>) {
        let hash = self.seed.hash_one(domain(&host));
        let shard = Arc::make_mut(&mut self.shards[shard_of(hash)]);
        match shard.find_mut(hash, |entry| entry.host.name == host.name) {
            Some(entry) => entry.host = host,
            None => {
                shard.insert_unique(hash, Entry { hash, host }, |entry| entry.hash);
                self.len += 1;
            }
        }
    }

    fn remove(&mut self, domain_name: &str) {
        let hash = self.seed.hash_one(domain_name.as_bytes());
        let shard = Arc::make_mut(&mut self.shards[shard_of(hash)]);
        if let Ok(entry) = shard.find_entry(hash, |entry| domain(&entry.host) == domain_name.as_bytes()) {
            entry.remove();
            self.len -= 1;
        }
    }
}

impl Default for Shards {
    fn default() -> Self {
        Self { shards: vec![Arc::default(); SHARDS], seed: RandomState::default(), len: 0 }
    }
}

/// The name that a host is found by: its own, or the parent's of a wildcard.
fn domain(host: &Host) -> &[u8] {
    let name = host.name.as_bytes();
    name.strip_prefix(b"*.").unwrap_or(name)
}

/// Bits that the shard's own table does not use to place an entry.
fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::paths::Paths;

    fn hosts(names: &[&str]) -> Hosts {
        let mut hosts = Hosts::default();
        for name in names {
            hosts.insert(Pattern::parse(name).unwrap(), host(name));
        }
        hosts
    }

    fn host(name: &str) -> Arc<Host> {
        Arc::new(Host {
            name: name.into(),
            certificate: None,
            https_redirect: false,
            hsts: None,
            paths: Paths::default(),
        })
    }

    fn found<'a>(hosts: &'a Hosts, name: &str) -> Option<&'a str> {
        hosts.find(name.as_bytes()).map(|host| &*host.name)
    }

    #[test]
    fn a_wildcard_matches_its_parent_and_four_further_labels() {
        let hosts = hosts(&["*.foo.bar"]);
        for name in ["foo.bar", "x.foo.bar", "y.x.foo.bar", "1.2.3.foo.bar", "1.2.3.4.foo.bar"] {
            assert_eq!(found(&hosts, name), Some("*.foo.bar"), "{name}");
        }
        for name in ["1.2.3.4.5.foo.bar", "xfoo.bar", "foo.bar.", "bar", ""] {
            assert_eq!(found(&hosts, name), None, "{name}");
        }
        assert_eq!(found(&hosts, "Q.FOO.BAR"), Some("*.foo.bar"));
        assert_eq!(found(&hosts, "*.foo.bar"), Some("*.foo.bar"));
    }

    #[test]
    fn only_the_number_of_stripped_labels_counts() {
        let hosts = hosts(&["*.a.b.c.d.e.f"]);
        assert!(found(&hosts, "w.x.y.z.a.b.c.d.e.f").is_some());
        assert!(found(&hosts, "v.w.x.y.z.a.b.c.d.e.f").is_none());
    }

    #[test]
    fn the_most_specific_wildcard_wins_and_an_exact_name_wins_over_it() {
        let hosts = hosts(&["*", "*.deep.example", "*.x.deep.example", "foo.bar", "*.foo.bar", "*.bar"]);
        for name in ["x.deep.example", "y.x.deep.example", "q.y.x.deep.example"] {
            assert_eq!(found(&hosts, name), Some("*.x.deep.example"));
        }
        assert_eq!(found(&hosts, "z.deep.example"), Some("*.deep.example"));
        assert_eq!(found(&hosts, "foo.bar"), Some("foo.bar"));
        assert_eq!(found(&hosts, "a.foo.bar"), Some("*.foo.bar"));
        assert_eq!(found(&hosts, "b.bar"), Some("*.bar"));
        assert_eq!(found(&hosts, "foo"), Some("*"));
        assert_eq!(found(&hosts, &"a".repeat(300)), Some("*"));
    }

    #[test]
    fn a_removed_host_is_not_found_and_its_wildcard_serves_again() {
        let mut hosts = hosts(&["foo.bar", "*.foo.bar"]);
        hosts.remove(Pattern::Exact("foo.bar"));
        assert_eq!(found(&hosts, "foo.bar"), Some("*.foo.bar"));
        hosts.remove(Pattern::Under("foo.bar"));
        assert_eq!(found(&hosts, "foo.bar"), None);
        assert_eq!(hosts.under.len, 0);
    }

    #[test]
    fn the_next_version_shares_every_shard_but_the_one_it_changed() {
        let before = hosts(&["a.com", "b.com", "c.com"]);
        let mut after = before.clone();
        after.insert(Pattern::Exact("a.com"), host("a.com"));
        let shared = |(old, new): &(&Arc<Shard>, &Arc<Shard>)| Arc::ptr_eq(old, new);
        let pairs = before.exact.shards.iter().zip(&after.exact.shards);
        assert_eq!(pairs.filter(shared).count(), SHARDS - 1);
        assert!(before.under.shards.iter().zip(&after.under.shards).all(|pair| shared(&pair)));
    }
}
