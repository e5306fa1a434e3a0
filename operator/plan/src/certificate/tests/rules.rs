//! One test for each rule of the decision table: what is served, copied, told and rechecked.

use std::collections::BTreeMap;

use kube::ResourceExt as _;

use super::*;

#[test]
fn a_good_source_is_copied_for_the_nodes_exactly_as_it_is() {
    let source = source(&fresh());
    let copy = copied(&source);
    assert_eq!(copy.namespace().unwrap(), "flynn-system");
    assert_eq!(copy.name_any(), "certificate-7c1e");
    assert_eq!(copy.type_.as_deref(), Some("kubernetes.io/tls"));
    assert_eq!(copy.data, source.data);
    let labels = [("app.kubernetes.io/managed-by", "flynn-operator"), ("flynn.io/certificate-uid", "7c1e")];
    let labels: BTreeMap<_, _> = labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(*copy.labels(), labels);
    assert_eq!(copy.annotations()["flynn.io/certificate"], "flynn/wildcard");
}

#[test]
fn entries_of_the_source_that_are_no_pair_are_not_copied() {
    let pem = fresh();
    let source =
        secret("site-tls", &[("tls.crt", &pem.chain), ("tls.key", &pem.key), ("password", "hunter2")]);
    assert_eq!(copied(&source).data.unwrap().into_keys().collect::<Vec<_>>(), ["tls.crt", "tls.key"]);
}

#[test]
fn nothing_is_served_from_the_source_before_the_copy_is_there() {
    let source = source(&fresh());
    let first = plan_of(&source);
    assert_eq!((first.pair, first.served, first.issued), (None, None, Ok(())));

    let copy = copied(&source);
    let second = plan(Source::Found(&source), Some(&copy), NOW);
    assert!(second.pair.is_some());
    assert_eq!((second.copy, second.issued), (None, Ok(())));
}

#[test]
fn a_copy_that_the_api_has_completed_is_not_written_again() {
    let source = source(&fresh());
    let mut copy = copied(&source);
    copy.metadata.resource_version = Some("7".into());
    copy.labels_mut().insert("team".into(), "web".into());
    assert_eq!(plan(Source::Found(&source), Some(&copy), NOW).copy, None);
}

#[test]
fn a_node_serves_the_copy_as_the_leader_does() {
    let source = source(&fresh());
    let copy = copied(&source);
    let leader = plan(Source::Found(&source), Some(&copy), NOW);
    let node = plan(Source::Unread, Some(&copy), NOW);
    assert_eq!(node.pair, leader.pair);
    assert_eq!(node.served, leader.served);
    assert_eq!(node.issued, Ok(()));
}

#[test]
fn a_node_without_a_copy_waits_for_it() {
    let plan = plan(Source::Unread, None, NOW);
    let (reason, message) = refused(&plan);
    assert_eq!(reason, Reason::CertificateNotReady);
    assert!(message.contains("Certificate flynn/wildcard"), "{message}");
    assert_eq!(plan.pair, None);
}

#[test]
fn a_renewed_source_is_copied_while_the_old_copy_is_served() {
    let (old, new) = (source(&fresh()), source(&fresh()));
    let copy = copied(&old);
    let plan = plan(Source::Found(&new), Some(&copy), NOW);
    let Some(Wish::Secret(wish)) = &plan.copy else { panic!("the new pair is not copied") };
    assert_eq!(wish.data, new.data);
    assert_eq!(plan.pair.unwrap().key.pem().as_bytes(), copy.data.unwrap()["tls.key"].0);
}

#[test]
fn a_bad_source_never_replaces_a_good_copy() {
    let pem = fresh();
    let good = source(&pem);
    let copy = copied(&good);
    let another_key = tls_secret(&pem.chain, &fresh().key);
    let another_type = Secret { type_: Some("Opaque".into()), ..good };
    let mismatched = tls_secret(&fresh().chain, &fresh().key);
    let garbage = tls_secret("garbage", "garbage");
    let expired = source(&valid_until(2021, &KeyPair::generate().unwrap()));
    for bad in [&mismatched, &garbage, &expired, &another_key, &another_type] {
        let plan = plan(Source::Found(bad), Some(&copy), NOW);
        assert!(plan.issued.is_err());
        assert_eq!(plan.copy, None);
        assert!(plan.pair.is_some() && plan.served.is_some());
    }
}

#[test]
fn a_source_that_is_missing_is_told_with_the_command_that_makes_it_and_the_copy_stays() {
    let copy = copied(&source(&fresh()));
    let plan = plan(Source::Missing, Some(&copy), NOW);
    let (reason, message) = refused(&plan);
    assert_eq!(reason, Reason::SecretNotFound);
    let command = "kubectl -n flynn create secret tls site-tls --cert=FILE --key=FILE";
    assert!(message.contains("Secret flynn/site-tls") && message.contains(command), "{message}");
    assert!(plan.pair.is_some());
}

#[test]
fn a_certificate_is_valid_from_its_first_to_its_last_second() {
    let source = source(&fresh());
    for (now, reason) in [
        ("2019-12-31T23:59:59.9Z", Some(Reason::NotYetValid)),
        ("2020-01-01T00:00:00Z", None),
        ("2030-01-01T00:00:00.9Z", None),
        ("2030-01-01T00:00:01Z", Some(Reason::Expired)),
    ] {
        let plan = plan(Source::Found(&source), None, now);
        assert_eq!(plan.issued.as_ref().err().map(|refusal| refusal.reason), reason, "{now}");
        assert_eq!(plan.copy.is_some(), reason.is_none(), "{now}");
    }
}

#[test]
fn a_certificate_out_of_its_time_is_told_with_its_date() {
    let source = source(&fresh());
    let late = plan(Source::Found(&source), None, "2031-01-01T00:00:00Z");
    assert!(refused(&late).1.contains("expired at 2030-01-01T00:00:00Z"), "{:?}", late.issued);
    let early = plan(Source::Found(&source), None, "2019-01-01T00:00:00Z");
    assert!(refused(&early).1.contains("before 2020-01-01T00:00:00Z"), "{:?}", early.issued);
}

#[test]
fn a_served_certificate_that_expires_stays_served_and_says_so() {
    let source = source(&fresh());
    let copy = copied(&source);
    let plan = plan(Source::Found(&source), Some(&copy), "2031-01-01T00:00:00Z");
    assert_eq!(refused(&plan).0, Reason::Expired);
    assert!(plan.pair.is_some());
    assert_eq!(plan.copy, None);
}

#[test]
fn the_plan_is_due_again_when_the_source_begins_or_ends() {
    let source = source(&fresh());
    let due = |now| plan(Source::Found(&source), None, now).recheck_at;
    assert_eq!(due("2019-01-01T00:00:00Z"), Some(at("2020-01-01T00:00:00Z")));
    assert_eq!(due("2025-01-01T00:00:00Z"), Some(at("2030-01-01T00:00:01Z")));
    assert_eq!(due("2030-01-01T00:00:01Z"), None);
}

#[test]
fn between_two_rechecks_time_changes_nothing() {
    let source = source(&fresh());
    let plan_at = |now| plan(Source::Found(&source), None, now);
    assert_eq!(plan_at("2025-01-01T00:00:00Z"), plan_at("2030-01-01T00:00:00.999Z"));
    assert_eq!(
        plan(Source::Unread, Some(&copied(&source)), NOW),
        plan(Source::Unread, Some(&copied(&source)), "2099-01-01T00:00:00Z")
    );
}

#[test]
fn a_certificate_without_an_end_is_valid_as_long_as_we_can_count() {
    let mut params = CertificateParams::new(["www.site.com".to_owned()]).unwrap();
    params.not_after = date_time_ymd(9999, 12, 31);
    let key = KeyPair::generate().unwrap();
    let pem = Pem { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() };
    let plan = plan_of(&source(&pem));
    assert_eq!(plan.issued, Ok(()));
    assert_eq!(plan.recheck_at, Some(Timestamp::MAX));
}

#[test]
fn a_copy_that_was_spoilt_is_not_served_and_made_again() {
    let source = source(&fresh());
    let mut copy = copied(&source);
    copy.data.as_mut().unwrap().insert("tls.key".into(), ByteString(b"garbage".to_vec()));
    let plan = plan(Source::Found(&source), Some(&copy), NOW);
    assert_eq!(plan.pair, None);
    assert!(plan.copy.is_some());
}

#[test]
fn only_our_copies_whose_certificate_is_gone_are_orphaned() {
    let copy = copied(&source(&fresh()));
    let elsewhere = {
        let mut copy = copy.clone();
        copy.metadata.namespace = Some("flynn".into());
        copy
    };
    let unmanaged = {
        let mut copy = copy.clone();
        copy.labels_mut().remove("app.kubernetes.io/managed-by");
        copy
    };
    let secrets = [&copy, &elsewhere, &unmanaged, &source(&fresh())];
    assert_eq!(orphaned_copies(secrets.into_iter(), |uid| uid == "7c1e"), []);
    assert_eq!(orphaned_copies(secrets.into_iter(), |_| false), [copy_key(&wildcard())]);
}

#[test]
fn a_self_signed_pair_is_made_for_its_names_and_renewed_thirty_days_before_its_end() {
    let copy = copied(&source(&fresh()));
    let asked = SelfSigned { dns_names: vec!["www.site.com".into()] };
    let order = |asked: &SelfSigned, copy: Option<&Secret>, now: &str| match plan(
        Source::SelfSigned(asked),
        copy,
        now,
    )
    .copy
    {
        Some(Wish::SelfSigned(order)) => Some(order.not_after.to_string()),
        Some(other) => panic!("{other:?}"),
        None => None,
    };
    assert_eq!(order(&asked, Some(&copy), "2029-12-01T23:59:59Z"), None);
    assert_eq!(
        order(&asked, Some(&copy), "2029-12-02T00:00:00Z").as_deref(),
        Some("2030-03-02T00:00:00Z"),
        "90 days"
    );
    assert!(order(&asked, None, NOW).is_some(), "there is none yet");
    let others = SelfSigned { dns_names: vec!["site.com".into()] };
    assert!(order(&others, Some(&copy), NOW).is_some(), "it is for other names");

    let served = plan(Source::SelfSigned(&asked), Some(&copy), NOW);
    assert_eq!((served.issued, served.recheck_at), (Ok(()), Some(at("2029-12-02T00:00:00Z"))));
    let waiting = plan(Source::SelfSigned(&others), Some(&copy), NOW);
    assert_eq!(refused(&waiting).0, Reason::CertificateNotReady);
    assert!(waiting.pair.is_some(), "the old one is served until then");
}
