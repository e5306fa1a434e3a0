//! Compiles changes into the next table.
//!
//! In comes the table that is served and a [`Delta`]; out goes the next table, or nothing if nothing changes. It costs
//! what changed, not what exists. What cannot be served becomes a fault of its own subject and hurts no other: a bad
//! certificate leaves its hosts on the default one, a bad redirect answers 503, a bad name or path is left out. It runs
//! under the writer's lock of `handle.rs`, never on the request path.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use router_config::{Config, Delta, KeyPair, TcpRoute};
use rustls::crypto::CryptoProvider;

use super::endpoint::{Endpoints, usable, wrong_check};
use super::names::{Names, User};
use super::paths::Paths;
use super::pattern::{Pattern, split_port};
use super::redirect::Redirect;
use super::slots::Slot;
use super::{Action, Forward, Host, Service, Table};
use crate::events::{self, News};
use crate::handle::{Fault, Subject};
use crate::tls;

/// The longest page of a 503, in bytes, as in Flynn.
const MAX_PAGE: usize = 1_000_000;

/// What the writer knows beside the table: the configuration it came from, and who uses what.
pub(crate) struct Compiler {
    config: Config,
    provider: Arc<CryptoProvider>,
    services: Names,
    certificates: Names,
    endpoints: Endpoints,
    /// What is wrong with a subject itself, whatever else the configuration holds.
    faults: BTreeMap<Subject, Vec<String>>,
}

impl Compiler {
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self {
            config: Config::default(),
            provider,
            services: Names::default(),
            certificates: Names::default(),
            endpoints: Endpoints::default(),
            faults: BTreeMap::new(),
        }
    }

    /// What turns the configuration that is served into `to`.
    pub(crate) fn diff(&self, to: &Config) -> Delta {
        self.config.diff(to)
    }

    /// What `delta` means to those who follow changes.
    pub(crate) fn news(&self, delta: &Delta) -> Vec<News> {
        events::of_change(&self.config, delta, |address| self.endpoints.held(address).cloned())
    }

    /// The table after `delta`; `None` if that is the table before it.
    pub(crate) fn compile(&mut self, before: &Table, delta: Delta) -> Option<Table> {
        let delta = self.relevant(delta);
        if delta.is_empty() {
            return None;
        }
        let mut next = before.clone();
        next.generation += 1;
        for (name, pair) in &delta.certificates {
            self.certificate(&mut next, name, pair.as_ref());
        }
        if let Some(name) = &delta.default_certificate {
            self.default_certificate(&mut next, name.as_deref());
        }
        self.services(&mut next, &delta);
        for (name, host) in &delta.hosts {
            self.host(&mut next, name, host.as_ref());
        }
        self.tcp(&mut next, &delta.tcp);
        if let Some(key) = &delta.cookie_key {
            next.cookie_key.clone_from(key);
        }
        if let Some(page) = &delta.unavailable_page {
            next.unavailable_page =
                page.as_deref().map(|page| page[..page.floor_char_boundary(MAX_PAGE)].into());
        }
        self.config.apply(delta);
        Some(next)
    }

    /// Everything that is wrong with the configuration that is served.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let own = self.faults.iter().flat_map(|(subject, reasons)| {
            let fault = |reason: &String| Fault { subject: subject.clone(), reason: reason.clone() };
            reasons.iter().map(fault)
        });
        let services = self.services.missing().flat_map(|(name, users)| {
            let reason = format!(
                "the service `{name}` is not in the configuration, so that its paths answer 503: add it, or name another"
            );
            users.iter().map(move |user| missed(user, &reason))
        });
        let certificates = self.certificates.missing().flat_map(|(name, users)| {
            let reason =
                format!("the certificate `{name}` is not in the configuration: add it, or name another");
            users.iter().map(move |user| missed(user, &reason))
        });
        let mut faults: Vec<_> = own.chain(services).chain(certificates).collect();
        faults.sort_by(|a, b| a.subject.cmp(&b.subject));
        faults
    }

    /// The part of `delta` that differs from what is served.
    fn relevant(&self, delta: Delta) -> Delta {
        let Delta { mut certificates, mut services, mut hosts, mut tcp, .. } = delta;
        let config = &self.config;
        tcp.retain(|port, route| config.tcp.get(port) != route.as_ref());
        certificates.retain(|name, pair| config.certificates.get(name) != pair.as_ref());
        services.retain(|name, service| config.services.get(name) != service.as_ref());
        hosts.retain(|name, host| config.hosts.get(name) != host.as_ref());
        Delta {
            default_certificate: delta.default_certificate.filter(|name| *name != config.default_certificate),
            cookie_key: delta.cookie_key.filter(|key| *key != config.cookie_key),
            unavailable_page: delta.unavailable_page.filter(|page| *page != config.unavailable_page),
            certificates,
            services,
            hosts,
            tcp,
        }
    }

    fn certificate(&mut self, next: &mut Table, name: &str, pair: Option<&KeyPair>) {
        let subject = Subject::Certificate(name.to_owned());
        let Some(pair) = pair else {
            self.faults.remove(&subject);
            if let Some(slot) = self.certificates.undefine(name) {
                next.certificates.set(slot, None);
            }
            return;
        };
        let parsed = tls::certificate::parse(pair, &self.provider);
        let slot = self.certificates.define(name);
        self.blame(subject, parsed.as_ref().err().cloned());
        next.certificates.set(slot, parsed.ok().map(Arc::new));
    }

    fn default_certificate(&mut self, next: &mut Table, name: Option<&str>) {
        next.default_certificate = name.map(|name| self.certificates.acquire(name, User::Default));
        if let Some(before) = self.config.default_certificate.as_deref()
            && Some(before) != name
        {
            self.certificates.release(before, &User::Default);
        }
    }

    /// All services at once: an endpoint that moves from one to another must not retire in between.
    fn services(&mut self, next: &mut Table, delta: &Delta) {
        let mut leaving: Vec<Arc<Service>> = Vec::new();
        for (name, service) in &delta.services {
            let subject = Subject::Service(name.clone());
            let (slot, compiled) = match service {
                Some(service) => {
                    let (addresses, mut reasons) = usable(&service.endpoints);
                    reasons.extend(service.health.as_ref().and_then(wrong_check));
                    self.blame(subject, reasons);
                    let compiled = self.endpoints.acquire(name, service, &addresses);
                    (Some(self.services.define(name)), Some(Arc::new(compiled)))
                }
                None => {
                    self.faults.remove(&subject);
                    (self.services.undefine(name), None)
                }
            };
            if let Some(slot) = slot {
                leaving.extend(next.service(slot).cloned());
                next.services.set(slot, compiled);
            }
        }
        for service in leaving {
            self.endpoints.release(&service);
        }
    }

    fn host(&mut self, next: &mut Table, name: &str, host: Option<&router_config::Host>) {
        let subject = Subject::Host(name.to_owned());
        let parsed = split_port(name).and_then(|(name, port)| Ok((Pattern::parse(name)?, port)));
        let (pattern, port) = match parsed {
            Ok(parsed) => parsed,
            Err(reason) => return self.blame(subject, host.map(|_| reason)),
        };
        let mut reasons = Vec::new();
        let compiled = host.map(|host| Arc::new(self.compile_host(name, host, &mut reasons)));
        let hosts = match port {
            None => &mut next.hosts,
            Some(port) => next.hosts_by_port.entry(port).or_default(),
        };
        match compiled {
            Some(host) => hosts.insert(pattern, host),
            None => hosts.remove(pattern),
        }
        self.release_unused(name, host);
        self.blame(subject, reasons);
    }

    fn tcp(&mut self, next: &mut Table, changes: &BTreeMap<u16, Option<TcpRoute>>) {
        if changes.is_empty() {
            return;
        }
        let mut routes = (*next.tcp).clone();
        for (port, route) in changes {
            let user = User::Tcp(*port);
            if let Some(before) = self.config.tcp.get(port)
                && route.as_ref().is_none_or(|route| route.service != before.service)
            {
                self.services.release(&before.service, &user);
            }
            match route {
                Some(route) => {
                    let service = self.services.acquire(&route.service, user);
                    routes.insert(*port, super::TcpRoute::compile(route, service));
                }
                None => {
                    routes.remove(port);
                }
            }
        }
        next.tcp = Arc::new(routes);
    }

    fn compile_host(&mut self, name: &str, host: &router_config::Host, reasons: &mut Vec<String>) -> Host {
        let key: Arc<str> = name.into();
        let mut paths = Paths::default();
        for (path, action) in &host.paths {
            let action = self.action(&key, path, action, reasons);
            reasons.extend(paths.insert(path, action).err());
        }
        let acquire = |certificate: &String| self.certificates.acquire(certificate, User::Host(key.clone()));
        let certificate: Option<Slot> = host.certificate.as_ref().map(acquire);
        let name = match split_port(name) {
            Ok((name, Some(_))) => name.into(),
            _ => key,
        };
        Host { certificate, https_redirect: host.https_redirect, hsts: host.hsts, paths, name }
    }

    fn action(
        &mut self,
        host: &Arc<str>,
        path: &str,
        action: &router_config::Action,
        reasons: &mut Vec<String>,
    ) -> Action {
        match action {
            router_config::Action::Forward(forward) => {
                let service = self.services.acquire(&forward.service, User::Host(host.clone()));
                let mut wrong = Vec::new();
                let compiled = Forward::compile(forward, service, &mut wrong);
                reasons.extend(wrong.into_iter().map(|reason| format!("the path `{path}`: {reason}")));
                Action::Forward(Arc::new(compiled))
            }
            router_config::Action::Status => Action::Status,
            router_config::Action::Refuse { reason } => Action::Refuse(reason.as_str().into()),
            router_config::Action::Redirect(redirect) => match Redirect::parse(redirect) {
                Ok(redirect) => Action::Redirect(Box::new(redirect)),
                Err(reason) => {
                    reasons.push(format!("the path `{path}` answers 503: {reason}"));
                    Action::Refuse(reason.into())
                }
            },
        }
    }

    /// Gives back the names that the host used before and does not use now.
    fn release_unused(&mut self, name: &str, now: Option<&router_config::Host>) {
        let Some(before) = self.config.hosts.get(name) else {
            return;
        };
        let user = User::Host(name.into());
        let used: BTreeSet<&str> = now.into_iter().flat_map(services_of).collect();
        for service in services_of(before).filter(|service| !used.contains(service)) {
            self.services.release(service, &user);
        }
        let certificate = now.and_then(|host| host.certificate.as_deref());
        if let Some(before) = before.certificate.as_deref()
            && Some(before) != certificate
        {
            self.certificates.release(before, &user);
        }
    }

    /// Replaces what is known to be wrong with a subject.
    fn blame(&mut self, subject: Subject, reasons: impl IntoIterator<Item = String>) {
        let reasons: Vec<_> = reasons.into_iter().collect();
        if reasons.is_empty() {
            self.faults.remove(&subject);
        } else {
            self.faults.insert(subject, reasons);
        }
    }
}

fn services_of(host: &router_config::Host) -> impl Iterator<Item = &str> {
    host.paths.values().filter_map(|action| match action {
        router_config::Action::Forward(forward) => Some(forward.service.as_str()),
        router_config::Action::Redirect(_)
        | router_config::Action::Status
        | router_config::Action::Refuse { .. } => None,
    })
}

fn missed(user: &User, reason: &str) -> Fault {
    let subject = match user {
        User::Default => Subject::DefaultCertificate,
        User::Host(name) => Subject::Host(name.to_string()),
        User::Tcp(port) => Subject::Tcp(*port),
    };
    Fault { subject, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
