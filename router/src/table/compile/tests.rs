//! Rules of compiling.

use std::net::SocketAddr;

use rcgen::{CertifiedKey as Generated, generate_simple_self_signed};
use router_config::{PrivateKey, Redirect};

use super::*;
use crate::handle::{Applied, Handle};
use crate::table::DEFAULT_PORTS;

fn pair(name: &str) -> KeyPair {
    let Generated { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    KeyPair { chain: cert.pem(), key: PrivateKey::new(signing_key.serialize_pem()) }
}

fn bad_pair() -> KeyPair {
    KeyPair { chain: "nonsense".into(), key: PrivateKey::new("nonsense".into()) }
}

fn forward(service: &str) -> router_config::Action {
    router_config::Action::Forward(router_config::Forward::to(service))
}

fn host(certificate: Option<&str>, service: &str) -> router_config::Host {
    router_config::Host {
        certificate: certificate.map(Into::into),
        https_redirect: false,
        hsts: None,
        paths: BTreeMap::from([("/".into(), forward(service))]),
    }
}

fn service(ports: &[u16]) -> router_config::Service {
    let endpoints = ports.iter().map(|port| SocketAddr::from(([10, 0, 0, 1], *port))).collect();
    router_config::Service { endpoints, ..router_config::Service::default() }
}

/// Two hosts on one service, one of them with a certificate of its own.
fn config() -> Config {
    let mut config = Config { default_certificate: Some("default".into()), ..Config::default() };
    config.certificates.insert("default".into(), pair("default"));
    config.certificates.insert("own".into(), pair("own"));
    config.services.insert("web".into(), service(&[1]));
    config.hosts.insert("a.com".into(), host(Some("own"), "web"));
    config.hosts.insert("b.com".into(), host(None, "web"));
    config
}

fn delta(change: impl FnOnce(&mut Delta)) -> Delta {
    let mut delta = Delta::default();
    change(&mut delta);
    delta
}

fn faults(applied: &Applied) -> Vec<(Subject, String)> {
    applied.faults.iter().map(|fault| (fault.subject.clone(), fault.reason.clone())).collect()
}

fn subjects(applied: &Applied) -> Vec<Subject> {
    applied.faults.iter().map(|fault| fault.subject.clone()).collect()
}

/// The certificate that a client of this host gets.
fn leaf(handle: &Handle, host: &str) -> Option<Vec<u8>> {
    let table = handle.table();
    let host = table.host(host.as_bytes(), DEFAULT_PORTS).unwrap();
    table.certificate_of(host).map(|certificate| certificate.cert[0].to_vec())
}

#[test]
fn what_changes_nothing_publishes_nothing() {
    let handle = Handle::new();
    let config = config();
    assert_eq!(handle.replace(&config).generation, 1);
    let served = handle.table().clone();
    assert_eq!(handle.replace(&config).generation, 1);
    assert_eq!(handle.apply(Delta::default()).generation, 1);
    let same = delta(|delta| {
        delta.hosts.insert("a.com".into(), config.hosts.get("a.com").cloned());
        delta.hosts.insert("absent.com".into(), None);
        delta.default_certificate = Some(Some("default".into()));
    });
    assert_eq!(handle.apply(same).generation, 1);
    assert!(Arc::ptr_eq(&served, &handle.table()));
}

#[test]
fn an_edit_keeps_every_host_that_it_does_not_name() {
    let handle = Handle::new();
    handle.replace(&config());
    let address =
        |name: &str| std::ptr::from_ref(handle.table().host(name.as_bytes(), DEFAULT_PORTS).unwrap());
    let (a, b) = (address("a.com"), address("b.com"));
    handle.apply(delta(|delta| {
        delta.hosts.insert("a.com".into(), Some(host(None, "web")));
        delta.services.insert("web".into(), Some(service(&[2])));
        delta.certificates.insert("default".into(), Some(pair("new")));
    }));
    assert_ne!(address("a.com"), a);
    assert_eq!(address("b.com"), b);
}

#[test]
fn a_bad_certificate_leaves_its_hosts_on_the_default_one_and_hurts_nobody_else() {
    let handle = Handle::new();
    let mut config = config();
    handle.replace(&config);
    let (own, default) = (leaf(&handle, "a.com"), leaf(&handle, "b.com"));
    assert!(default.is_some() && own != default);
    config.certificates.insert("own".into(), bad_pair());
    let applied = handle.replace(&config);
    assert_eq!(subjects(&applied), [Subject::Certificate("own".into())]);
    assert_eq!(leaf(&handle, "a.com"), default);
    config.certificates.insert("own".into(), pair("own"));
    assert_eq!(subjects(&handle.replace(&config)), []);
    assert_ne!(leaf(&handle, "a.com"), default);
}

#[test]
fn a_new_certificate_reaches_its_hosts_without_touching_them() {
    let handle = Handle::new();
    handle.replace(&config());
    let before = leaf(&handle, "a.com");
    handle.apply(delta(|delta| {
        delta.certificates.insert("own".into(), Some(pair("own")));
    }));
    assert_ne!(leaf(&handle, "a.com"), before);
}

#[test]
fn a_name_that_is_not_there_is_a_fault_of_its_users_until_it_is() {
    let handle = Handle::new();
    let mut config = config();
    config.default_certificate = Some("lost".into());
    config.hosts.insert("a.com".into(), host(Some("gone"), "missing"));
    let applied = handle.replace(&config);
    let a = Subject::Host("a.com".into());
    assert_eq!(subjects(&applied), [Subject::DefaultCertificate, a.clone(), a]);
    assert!(faults(&applied)[1].1.starts_with("the service `missing` is not in the configuration"));
    let applied = handle.apply(delta(|delta| {
        delta.services.insert("missing".into(), Some(service(&[1])));
        delta.certificates.insert("gone".into(), Some(pair("gone")));
        delta.certificates.insert("lost".into(), Some(pair("lost")));
    }));
    assert_eq!(subjects(&applied), []);
    let applied = handle.apply(delta(|delta| {
        delta.services.insert("missing".into(), None);
    }));
    assert_eq!(subjects(&applied), [Subject::Host("a.com".into())]);
    let applied = handle.apply(delta(|delta| {
        delta.hosts.insert("a.com".into(), None);
    }));
    assert_eq!(subjects(&applied), []);
}

#[test]
fn a_redirect_that_cannot_work_is_a_refusal_with_a_reason() {
    let handle = Handle::new();
    let redirect = Redirect { host: Some("bad host".into()), ..Redirect::default() };
    let mut config = config();
    let paths = BTreeMap::from([
        ("/".into(), router_config::Action::Redirect(redirect)),
        ("/ok/".into(), forward("web")),
    ]);
    config.hosts.insert("a.com".into(), router_config::Host { paths, ..router_config::Host::default() });
    let applied = handle.replace(&config);
    assert_eq!(subjects(&applied), [Subject::Host("a.com".into())]);
    let table = handle.table();
    let paths = &table.host(b"a.com", DEFAULT_PORTS).unwrap().paths;
    assert!(matches!(paths.find(b"/"), Some(Action::Refuse(_))));
    assert!(matches!(paths.find(b"/ok/"), Some(Action::Forward(_))));
}

#[test]
fn a_bad_host_name_or_path_or_endpoint_is_left_out_and_the_rest_is_served() {
    let handle = Handle::new();
    let mut config = config();
    config.hosts.insert("Bad.com".into(), host(None, "web"));
    config.hosts.get_mut("a.com").unwrap().paths.insert("api".into(), forward("web"));
    config.services.insert("web".into(), service(&[0, 1]));
    let applied = handle.replace(&config);
    let expected =
        [Subject::Service("web".into()), Subject::Host("Bad.com".into()), Subject::Host("a.com".into())];
    assert_eq!(subjects(&applied), expected);
    let table = handle.table();
    let Some(Action::Forward(forward)) = table.host(b"a.com", DEFAULT_PORTS).unwrap().paths.find(b"/") else {
        panic!("a.com is served");
    };
    assert_eq!(table.service(forward.service).unwrap().endpoints.len(), 1);
    config.hosts.remove("Bad.com");
    config.hosts.get_mut("a.com").unwrap().paths.remove("api");
    config.services.insert("web".into(), service(&[1]));
    assert_eq!(subjects(&handle.replace(&config)), []);
}

#[test]
fn an_endpoint_keeps_its_count_when_it_moves_to_another_service() {
    let handle = Handle::new();
    let mut config = config();
    config.services.insert("a".into(), service(&[9]));
    config.hosts.insert("c.com".into(), host(None, "z"));
    handle.replace(&config);
    let endpoint = |name: &[u8]| {
        let table = handle.table();
        let Some(Action::Forward(forward)) = table.host(name, DEFAULT_PORTS).unwrap().paths.find(b"/") else {
            panic!("it is forwarded")
        };
        table.service(forward.service).unwrap().endpoints[0].clone()
    };
    config.hosts.insert("d.com".into(), host(None, "a"));
    handle.replace(&config);
    let before = endpoint(b"d.com");
    config.services.remove("a");
    config.services.insert("z".into(), service(&[9]));
    handle.replace(&config);
    assert!(Arc::ptr_eq(&before, &endpoint(b"c.com")));
    assert!(!before.is_retired());
}

#[test]
fn a_host_with_a_port_is_served_on_that_port_alone() {
    let handle = Handle::new();
    let mut config = config();
    config.hosts.insert("a.com:8080".into(), host(None, "web"));
    config.hosts.insert("*.only.com:8080".into(), host(None, "web"));
    assert_eq!(handle.replace(&config).faults, []);
    let found =
        |name: &str, port| handle.table().host(name.as_bytes(), port).map(|host| host.name.to_string());
    assert_eq!(found("a.com", 8080).as_deref(), Some("a.com"));
    assert_eq!(found("x.only.com", 8080).as_deref(), Some("*.only.com"));
    assert_eq!(found("x.only.com", DEFAULT_PORTS), None);
    assert_eq!(found("b.com", 8080), None);
    assert_eq!(found("b.com", 9090), None);
    config.hosts.remove("a.com:8080");
    handle.replace(&config);
    assert_eq!(found("a.com", 8080), None);
    assert_eq!(found("a.com", DEFAULT_PORTS).as_deref(), Some("a.com"));
}

#[test]
fn a_tcp_route_whose_service_is_missing_is_told_and_mended_by_the_service() {
    let handle = Handle::new();
    let route = router_config::TcpRoute { service: "db".into(), ..router_config::TcpRoute::default() };
    let applied = handle.apply(delta(|delta| {
        delta.tcp.insert(5432, Some(route));
    }));
    assert_eq!(subjects(&applied), [Subject::Tcp(5432)]);
    let applied = handle.apply(delta(|delta| {
        delta.services.insert("db".into(), Some(service(&[1])));
    }));
    assert_eq!(applied.faults, []);
    let table = handle.table();
    assert_eq!(table.service(table.tcp[&5432].service).unwrap().endpoints.len(), 1);
    let applied = handle.apply(delta(|delta| {
        delta.tcp.insert(5432, None);
        delta.services.insert("db".into(), None);
    }));
    assert_eq!(applied.faults, []);
    assert!(handle.table().tcp.is_empty());
}
