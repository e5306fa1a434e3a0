//! Hosted zones.

use aws_sdk_route53::types::{HostedZoneConfig, Vpc, VpcRegion};

use route53_double::settings::Settings;

use crate::bed::{Bed, Create, Delete, a, refused};

#[tokio::test]
async fn two_zones_may_have_one_name_but_not_one_caller_reference() {
    let bed = Bed::new().await;
    let create =
        |reference| bed.client.create_hosted_zone().name("site.test").caller_reference(reference).send();
    let made = create("second").await.unwrap();
    assert!(made.location.ends_with(made.hosted_zone.unwrap().id.trim_start_matches("/hostedzone/")));
    refused(&create("second").await.unwrap_err()).is("HostedZoneAlreadyExists", "caller reference");
    let listed = bed.client.list_hosted_zones_by_name().dns_name("site.test").send().await.unwrap();
    assert_eq!(listed.hosted_zones.len(), 2);
}

#[tokio::test]
async fn a_private_zone_has_a_network_and_no_name_servers() {
    let bed = Bed::new().await;
    let create = || {
        let config = HostedZoneConfig::builder().private_zone(true).build();
        bed.client
            .create_hosted_zone()
            .name("site.test")
            .caller_reference("private")
            .hosted_zone_config(config)
    };
    refused(&create().send().await.unwrap_err()).is("InvalidInput", "VPC");
    let vpc = Vpc::builder().vpc_id("vpc-1").vpc_region(VpcRegion::EuWest1).build();
    let made = create().vpc(vpc).send().await.unwrap().hosted_zone.unwrap();
    let got = bed.client.get_hosted_zone().id(made.id).send().await.unwrap();
    assert!(got.hosted_zone.unwrap().config.unwrap().private_zone);
    assert!(got.delegation_set.is_none());
    assert_eq!(got.vpcs.unwrap()[0].vpc_id.as_deref(), Some("vpc-1"));
}

#[tokio::test]
async fn a_zone_with_records_is_not_deleted() {
    let bed = Bed::new().await;
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    let delete = || bed.client.delete_hosted_zone().id(&bed.zone).send();
    refused(&delete().await.unwrap_err()).is("HostedZoneNotEmpty", "");
    bed.change([(Delete, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    delete().await.unwrap();
    refused(&delete().await.unwrap_err()).is("NoSuchHostedZone", &bed.zone);
}

#[tokio::test]
async fn an_invalid_zone_name_is_refused() {
    let bed = Bed::new().await;
    let request = bed.client.create_hosted_zone().name("a..test").caller_reference("invalid");
    refused(&request.send().await.unwrap_err()).is("InvalidDomainName", "DomainLabelEmpty");
}

#[tokio::test]
async fn a_zone_tells_how_many_sets_it_holds() {
    let bed = Bed::new().await;
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    let got = bed.client.get_hosted_zone().id(&bed.zone).send().await.unwrap();
    assert_eq!(got.hosted_zone.unwrap().resource_record_set_count, Some(3));
    assert_eq!(got.delegation_set.unwrap().name_servers.len(), 4);
}

#[tokio::test]
async fn a_zone_over_the_quota_is_refused() {
    let bed = Bed::with(Settings { max_zones: 2, ..Settings::instant() }).await;
    let create = |name| bed.client.create_hosted_zone().name(name).caller_reference(name).send();
    create("second.test").await.unwrap();
    refused(&create("third.test").await.unwrap_err()).is("TooManyHostedZones", "2");
    bed.client.delete_hosted_zone().id(&bed.zone).send().await.unwrap();
    create("third.test").await.unwrap();
}

#[tokio::test]
async fn records_over_the_quota_of_a_zone_are_refused_with_their_whole_batch() {
    let bed = Bed::with(Settings { max_records: 3, ..Settings::instant() }).await; // two are the zone's own
    let (first, second) = (a("a.site.test", &["192.0.2.1"]), a("b.site.test", &["192.0.2.2"]));
    let refused = bed.change([(Create, first.clone()), (Create, second.clone())]).await.unwrap_err();
    refused.is("InvalidChangeBatch", "more than 3 records");
    assert_eq!(bed.sets().await, []);
    bed.change([(Create, first.clone())]).await.unwrap();
    bed.change([(Delete, first), (Create, second)]).await.unwrap();
}
