//! The laws of configurations and their differences.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use proptest::prelude::*;
use router_config::{
    Action, Config, CookieKey, Forward, Host, KeyPair, PrivateKey, Redirect, Service, TcpRoute,
};

proptest! {
    #[test]
    fn applying_the_difference_yields_the_target(from in config(), to in config()) {
        let mut applied = from.clone();
        applied.apply(from.diff(&to));
        prop_assert_eq!(applied, to);
    }

    #[test]
    fn a_configuration_does_not_differ_from_itself(same in config()) {
        prop_assert!(same.diff(&same).is_empty());
    }

    #[test]
    fn merged_differences_apply_like_one_after_the_other(a in config(), b in config(), c in config()) {
        let mut delta = a.diff(&b);
        delta.merge(b.diff(&c));
        let mut applied = a;
        applied.apply(delta);
        prop_assert_eq!(applied, c);
    }
}

fn config() -> impl Strategy<Value = Config> {
    let name = || "[a-c]";
    let endpoints =
        prop::collection::vec((1u16..4).prop_map(|port| SocketAddr::from(([127, 0, 0, 1], port))), 0..3);
    let service = endpoints.prop_map(|endpoints| Service { endpoints, ..Service::default() });
    let pair = name().prop_map(|key| KeyPair { chain: "chain".into(), key: PrivateKey::new(key) });
    let action = prop_oneof![
        name().prop_map(|service| Action::Forward(Forward::to(service))),
        name().prop_map(|host| Action::Redirect(Redirect { host: Some(host), ..Redirect::default() })),
        name().prop_map(|reason| Action::Refuse { reason }),
    ];
    let host =
        (prop::option::of(name()), any::<bool>(), action).prop_map(|(certificate, https_redirect, root)| {
            Host { certificate, https_redirect, hsts: None, paths: BTreeMap::from([("/".into(), root)]) }
        });
    let route = name().prop_map(|service| TcpRoute { service, ..TcpRoute::default() });
    let single = (
        prop::option::of(name()),
        prop::option::of((0u8..3).prop_map(|byte| CookieKey::new([byte; 32]))),
        prop::option::of(name()),
    );
    (
        single,
        prop::collection::btree_map(name(), pair, 0..3),
        prop::collection::btree_map(name(), service, 0..3),
        prop::collection::btree_map(name(), host, 0..3),
        prop::collection::btree_map(1u16..4, route, 0..3),
    )
        .prop_map(|(single, certificates, services, hosts, tcp)| {
            let (default_certificate, cookie_key, unavailable_page) = single;
            Config {
                listen: Default::default(),
                default_certificate,
                cookie_key,
                unavailable_page,
                certificates,
                services,
                hosts,
                tcp,
            }
        })
}
