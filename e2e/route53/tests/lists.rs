//! Lists and their pages.

use aws_sdk_route53::types::RrType;

use crate::bed::{Bed, Create, a, multi, refused, set};

/// The identifiers of one name, page by page.
async fn identifiers(bed: &Bed, page: i32) -> (Vec<String>, usize) {
    let mut found = Vec::new();
    let mut request = bed.client.list_resource_record_sets().hosted_zone_id(&bed.zone).max_items(page);
    for pages in 1..=100 {
        let listed = request.clone().send().await.unwrap();
        found.extend(listed.resource_record_sets.into_iter().filter_map(|set| set.set_identifier));
        if !listed.is_truncated {
            return (found, pages);
        }
        request = request
            .set_start_record_name(listed.next_record_name)
            .set_start_record_type(listed.next_record_type)
            .set_start_record_identifier(listed.next_record_identifier);
    }
    panic!("the pages do not end")
}

#[tokio::test]
async fn pages_go_on_inside_of_one_name() {
    let bed = Bed::new().await;
    let addresses: Vec<_> = (10..30).map(|n| format!("192.0.2.{n}")).collect();
    bed.change(addresses.iter().map(|address| (Create, multi("site.test", address, None)))).await.unwrap();
    assert_eq!(identifiers(&bed, 6).await, (addresses, 4));
}

#[tokio::test]
async fn a_page_has_at_most_three_hundred_sets() {
    let bed = Bed::new().await;
    let sets = (0..400).map(|n| (Create, a(&format!("n{n}.site.test"), &["192.0.2.1"])));
    bed.change(sets).await.unwrap();
    for max in [None, Some(1_000)] {
        let request = bed.client.list_resource_record_sets().hosted_zone_id(&bed.zone).set_max_items(max);
        let listed = request.send().await.unwrap();
        assert_eq!(
            (listed.resource_record_sets.len(), listed.is_truncated, listed.max_items),
            (300, true, 300)
        );
    }
}

#[tokio::test]
async fn sets_are_listed_by_name_from_the_last_label_on() {
    let bed = Bed::new().await;
    for name in ["b.site.test", "a.b.site.test", "a.site.test", "*.site.test"] {
        bed.change([(Create, a(name, &["192.0.2.1"]))]).await.unwrap();
    }
    let names: Vec<_> = bed.sets().await.into_iter().map(|set| set.name).collect();
    assert_eq!(names, ["\\052.site.test.", "a.site.test.", "b.site.test.", "a.b.site.test."]);
}

#[tokio::test]
async fn a_list_can_begin_at_an_escaped_name_and_a_type() {
    let bed = Bed::new().await;
    let text = set("*.site.test", RrType::Txt, &["\"text\""]).build().unwrap();
    bed.change([(Create, a("*.site.test", &["192.0.2.1"])), (Create, text)]).await.unwrap();
    let request = bed.client.list_resource_record_sets().hosted_zone_id(&bed.zone);
    let request = request.start_record_name("\\052.site.test.").start_record_type(RrType::Txt);
    let listed = request.send().await.unwrap();
    let kinds: Vec<_> = listed.resource_record_sets.into_iter().map(|set| set.r#type).collect();
    assert_eq!(kinds, [RrType::Txt]);
}

#[tokio::test]
async fn a_start_type_without_a_start_name_is_refused() {
    let bed = Bed::new().await;
    let request =
        bed.client.list_resource_record_sets().hosted_zone_id(&bed.zone).start_record_type(RrType::A);
    refused(&request.send().await.unwrap_err()).is("InvalidInput", "goes with a name");
}

#[tokio::test]
async fn an_empty_page_size_is_refused() {
    let bed = Bed::new().await;
    let request = bed.client.list_resource_record_sets().hosted_zone_id(&bed.zone).max_items(0);
    refused(&request.send().await.unwrap_err()).is("InvalidInput", "MaxItems");
}

#[tokio::test]
async fn health_checks_are_listed_in_pages() {
    let bed = Bed::new().await;
    for n in 1..=5 {
        bed.health_check(&format!("192.0.2.{n}")).await;
    }
    let pages = bed.client.list_health_checks().max_items(2).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    let sizes: Vec<_> = pages.iter().map(|page| page.health_checks.len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
    let counted = bed.client.get_health_check_count().send().await.unwrap();
    assert_eq!(counted.health_check_count, 5);
}

#[tokio::test]
async fn zones_are_listed_in_pages_and_by_name() {
    let bed = Bed::new().await;
    for name in ["b.test", "a.site.test", "a.test"] {
        bed.double.create_zone(name).unwrap();
    }
    let pages = bed.client.list_hosted_zones().max_items(3).into_paginator().items().send();
    assert_eq!(pages.collect::<Result<Vec<_>, _>>().await.unwrap().len(), 4);

    let listed = bed.client.list_hosted_zones_by_name().dns_name("b.test").max_items(2).send().await.unwrap();
    let names: Vec<_> = listed.hosted_zones.iter().map(|zone| zone.name.as_str()).collect();
    assert_eq!(names, ["b.test.", "site.test."]);
    assert_eq!(listed.next_dns_name.as_deref(), Some("a.site.test."));
}
