use std::collections::BTreeMap;

use router_config::{Config, KeyPair, PrivateKey};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::*;
use crate::Handle;

fn serving(change: impl FnOnce(&mut Config)) -> Handle {
    let mut config: Config = serde_json::from_value(serde_json::json!({
        "services": {"web": {"endpoints": ["10.0.0.1:80", "10.0.0.2:80"], "leader": "10.0.0.2:80"}, "none": {}},
        "hosts": {
            "a.com": {"paths": {
                "/": {"forward": {"service": "web"}},
                "/lead": {"forward": {"service": "web", "leader": true}},
                "/none": {"forward": {"service": "none"}},
                "/gone": {"forward": {"service": "gone"}},
                "/in": {"forward": {"service": "web", "clients": ["10.0.0.0/8"]}},
                "/old": {"redirect": {"host": "b.com"}},
                "/no": {"refuse": {"reason": "it is not ready"}},
            }},
            "*.b.com": {"httpsRedirect": true, "paths": {"/api": {"forward": {"service": "web"}}}},
        },
    }))
    .unwrap();
    change(&mut config);
    let handle = Handle::new();
    handle.replace(&config);
    handle
}

fn ask(handle: &Handle, url: &str) -> Explanation {
    handle.trace(&Question::get(url)).unwrap()
}

fn refusal(handle: &Handle, url: &str) -> (Option<u16>, String) {
    match ask(handle, url).outcome {
        Outcome::Refused { status, reason } => (status, reason),
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn a_request_that_is_served_is_told_with_its_entry_path_and_endpoints() {
    let handle = serving(|_| {});
    let told = ask(&handle, "http://A.com/x?y");
    assert_eq!(told.host.unwrap().because, Because::Exact);
    assert_eq!(told.path.as_deref(), Some("/"));
    let Outcome::Forwarded { service, endpoints, .. } = told.outcome else { panic!("not forwarded") };
    assert_eq!((service.as_str(), endpoints.len()), ("web", 2));
    assert_eq!(endpoints.iter().filter(|endpoint| endpoint.leader).count(), 1);
    let Outcome::Forwarded { endpoints, .. } = ask(&handle, "http://a.com/lead/x").outcome else {
        panic!("not forwarded")
    };
    assert_eq!(endpoints.len(), 1);
}

#[test]
fn who_refuses_is_told_with_a_reason() {
    let handle = serving(|_| {});
    let status = |url| refusal(&handle, url).0;
    assert_eq!(status("http://c.com/"), Some(404));
    assert_eq!(status("http://a.com/none"), Some(503));
    assert_eq!(status("http://a.com/gone"), Some(503));
    assert_eq!(status("http://a.com/in"), Some(403));
    assert_eq!(refusal(&handle, "http://a.com/no"), (Some(503), "it is not ready".into()));
    let trace = Question { method: "TRACE".into(), ..Question::get("http://a.com/") };
    assert!(matches!(handle.trace(&trace).unwrap().outcome, Outcome::Refused { status: Some(405), .. }));
    assert!(handle.trace(&Question::get("a.com")).is_err());
}

#[test]
fn redirects_are_told_with_where_they_point() {
    let handle = serving(|_| {});
    let location = |url| match ask(&handle, url).outcome {
        Outcome::Redirected { location, .. } => location,
        other => panic!("{other:?}"),
    };
    assert_eq!(location("http://a.com/old?x"), "http://b.com/old?x");
    assert_eq!(location("http://x.b.com/api"), "https://x.b.com/api");
}

#[test]
fn the_certificate_is_told_by_its_names_end_and_digest_and_a_missing_one_ends_the_handshake() {
    let generated = rcgen::generate_simple_self_signed(["a.com".to_owned()]).unwrap();
    let (chain, key) = (generated.cert.pem(), generated.signing_key.serialize_pem());
    let handle = serving(|config| {
        let pair = KeyPair { chain: chain.clone(), key: PrivateKey::new(key.clone()) };
        config.certificates = BTreeMap::from([("a".into(), pair)]);
        config.hosts.get_mut("a.com").unwrap().certificate = Some("a".into());
    });
    let seen = ask(&handle, "https://a.com/").certificate.unwrap();
    assert_eq!(seen.names, ["a.com"]);
    assert!(seen.not_after.ends_with('Z'), "{seen:?}");
    let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &leaf);
    assert_eq!(seen.sha256, digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert_eq!(refusal(&handle, "https://x.b.com/api").0, None);
    assert_eq!(refusal(&handle, "https://c.com/").0, None);
    let listed = serde_json::to_string(&handle.routes()).unwrap();
    assert!(listed.contains("a.com") && !listed.contains("PRIVATE"), "{listed}");
}

#[test]
fn a_name_of_the_handshake_that_shows_another_certificate_is_misdirected() {
    let handle = serving(|config| {
        for (name, host) in [("a", "a.com"), ("b", "*.b.com")] {
            let generated = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
            let key = PrivateKey::new(generated.signing_key.serialize_pem());
            config.certificates.insert(name.into(), KeyPair { chain: generated.cert.pem(), key });
            config.hosts.get_mut(host).unwrap().certificate = Some(name.into());
        }
    });
    let question = Question { server_name: Some("x.b.com".into()), ..Question::get("https://a.com/") };
    assert!(matches!(handle.trace(&question).unwrap().outcome, Outcome::Refused { status: Some(421), .. }));
}

#[test]
fn the_listing_has_every_path_in_order() {
    let routes = serving(|_| {}).routes();
    let hosts: Vec<_> = routes.hosts.iter().map(|host| host.host.as_str()).collect();
    assert_eq!(hosts, ["*.b.com", "a.com"]);
    let paths: Vec<_> = routes.hosts[1].paths.iter().map(|path| path.path.as_str()).collect();
    assert_eq!(paths, ["/", "/gone/", "/in/", "/lead/", "/no/", "/none/", "/old/"]);
    let text = serde_json::to_string(&routes).unwrap();
    assert_eq!(serde_json::from_str::<Routes>(&text).unwrap(), routes);
}
