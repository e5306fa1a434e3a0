//! What the name server answers: names, types and wildcards.

use aws_sdk_route53::types::{AliasTarget, HostedZoneConfig, ResourceRecordSet, RrType, Vpc, VpcRegion};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use route53_double::query::Response;

use crate::bed::{Bed, Create, a, set};

async fn ask(bed: &Bed, name: &str, kind: RecordType) -> Response {
    bed.double.ask(name, kind).await.unwrap()
}

async fn bed_with(sets: &[ResourceRecordSet]) -> Bed {
    let bed = Bed::new().await;
    bed.change(sets.iter().map(|set| (Create, set.clone()))).await.unwrap();
    bed
}

fn record(name: &str, kind: RrType, value: &str) -> ResourceRecordSet {
    set(name, kind, &[value]).build().unwrap()
}

fn soa(response: &Response) -> bool {
    response.authority.iter().any(|record| record.record_type() == RecordType::SOA)
}

#[tokio::test]
async fn a_zone_answers_its_own_records_with_their_ttl() {
    let bed = bed_with(&[a("a.site.test", &["192.0.2.1", "192.0.2.2"])]).await;
    let response = ask(&bed, "A.Site.test.", RecordType::A).await;
    assert_eq!(response.values(), ["192.0.2.1", "192.0.2.2"]);
    assert!(response.answers.iter().all(|record| record.ttl == 60));
    assert_eq!(ask(&bed, "site.test.", RecordType::NS).await.answers.len(), 4);
    assert_eq!(ask(&bed, "site.test.", RecordType::SOA).await.answers[0].ttl, 900);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_with_the_soa() {
    let response = ask(&Bed::new().await, "a.site.test.", RecordType::A).await;
    assert_eq!(response.code, ResponseCode::NXDomain);
    assert!(soa(&response));
}

#[tokio::test]
async fn a_name_with_other_types_only_has_no_data() {
    let bed = bed_with(&[a("a.site.test", &["192.0.2.1"])]).await;
    let response = ask(&bed, "a.site.test.", RecordType::AAAA).await;
    assert_eq!((response.code, response.answers.len(), soa(&response)), (ResponseCode::NoError, 0, true));
}

#[tokio::test]
async fn an_empty_non_terminal_exists_and_hides_the_wildcard() {
    let bed = bed_with(&[a("deep.b.site.test", &["192.0.2.1"]), a("*.site.test", &["192.0.2.9"])]).await;
    let response = ask(&bed, "b.site.test.", RecordType::A).await;
    assert_eq!((response.code, response.answers.len()), (ResponseCode::NoError, 0));
    let below = ask(&bed, "other.b.site.test.", RecordType::A).await;
    assert_eq!(below.code, ResponseCode::NXDomain, "the closest encloser has no wildcard");
}

#[tokio::test]
async fn a_wildcard_answers_only_names_that_do_not_exist() {
    let bed = bed_with(&[
        record("*.site.test", RrType::Cname, "site.test"),
        a("site.test", &["192.0.2.1"]),
        record("own.site.test", RrType::Txt, "\"text\""),
    ])
    .await;
    for name in ["any.site.test.", "two.labels.site.test."] {
        assert_eq!(ask(&bed, name, RecordType::A).await.values(), ["192.0.2.1", "site.test."], "{name}");
    }
    assert_eq!(ask(&bed, "own.site.test.", RecordType::A).await.answers.len(), 0);
    assert_eq!(ask(&bed, "site.test.", RecordType::TXT).await.answers.len(), 0);
}

#[tokio::test]
async fn a_cname_is_followed_within_the_zone_and_told_beyond_it() {
    let bed = bed_with(&[
        record("one.site.test", RrType::Cname, "two.site.test"),
        record("two.site.test", RrType::Cname, "a.site.test"),
        a("a.site.test", &["192.0.2.1"]),
        record("out.site.test", RrType::Cname, "www.other.test"),
        record("lost.site.test", RrType::Cname, "absent.site.test"),
    ])
    .await;
    let followed = ask(&bed, "one.site.test.", RecordType::A).await;
    assert_eq!(followed.values(), ["192.0.2.1", "a.site.test.", "two.site.test."]);
    assert_eq!(ask(&bed, "out.site.test.", RecordType::A).await.values(), ["www.other.test."]);
    assert_eq!(ask(&bed, "one.site.test.", RecordType::CNAME).await.values(), ["two.site.test."]);
    assert_eq!(ask(&bed, "lost.site.test.", RecordType::A).await.code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn a_circle_of_cnames_ends() {
    let bed = bed_with(&[
        record("one.site.test", RrType::Cname, "two.site.test"),
        record("two.site.test", RrType::Cname, "one.site.test"),
    ])
    .await;
    assert_eq!(ask(&bed, "one.site.test.", RecordType::A).await.code, ResponseCode::NoError);
}

#[tokio::test]
async fn an_alias_answers_what_its_target_does() {
    let bed = bed_with(&[a("a.site.test", &["192.0.2.1"])]).await;
    let target = AliasTarget::builder()
        .hosted_zone_id(&bed.zone)
        .dns_name("a.site.test")
        .evaluate_target_health(false);
    let alias = ResourceRecordSet::builder()
        .name("site.test")
        .r#type(RrType::A)
        .alias_target(target.build().unwrap());
    bed.change([(Create, alias.build().unwrap())]).await.unwrap();
    assert_eq!(ask(&bed, "site.test.", RecordType::A).await.values(), ["192.0.2.1"]);
}

#[tokio::test]
async fn the_zone_with_the_longest_apex_answers_and_private_zones_do_not() {
    let bed = bed_with(&[a("a.sub.site.test", &["192.0.2.1"])]).await;
    let sub = bed.double.create_zone("sub.site.test").unwrap();
    bed.change_zone(&sub, [(Create, a("a.sub.site.test", &["192.0.2.2"]))]).await.unwrap();
    let private = HostedZoneConfig::builder().private_zone(true).build();
    let vpc = Vpc::builder().vpc_id("vpc-1").vpc_region(VpcRegion::EuWest1).build();
    let request = bed.client.create_hosted_zone().name("a.sub.site.test").caller_reference("private");
    request.hosted_zone_config(private).vpc(vpc).send().await.unwrap();
    assert_eq!(ask(&bed, "a.sub.site.test.", RecordType::A).await.values(), ["192.0.2.2"]);
    assert_eq!(ask(&bed, "other.test.", RecordType::A).await.code, ResponseCode::Refused);
}

#[tokio::test]
async fn of_two_zones_with_one_name_the_first_answers() {
    let bed = bed_with(&[a("a.site.test", &["192.0.2.1"])]).await;
    let second = bed.double.create_zone("site.test").unwrap();
    bed.change_zone(&second, [(Create, a("a.site.test", &["192.0.2.2"]))]).await.unwrap();
    assert_eq!(ask(&bed, "a.site.test.", RecordType::A).await.values(), ["192.0.2.1"]);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_into_a_datagram_comes_over_tcp() {
    let values: Vec<_> = (0..100).map(|n| format!("192.0.2.{n}")).collect();
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    let bed = bed_with(&[a("a.site.test", &values)]).await;
    assert_eq!(ask(&bed, "a.site.test.", RecordType::A).await.answers.len(), 100);
}
