//! Instances, against an endpoint that plays EC2.

use std::collections::BTreeSet;

use plan::aws::{InstanceId, InstanceState};

use super::clients;
use super::endpoint::{Endpoint, Request};
use crate::Fence;

/// One instance with three interfaces, the last of them on a second network card.
fn described(id: &str, state: &str) -> String {
    let interface = |id: &str, index: usize, card: usize| {
        format!(
            "<item><networkInterfaceId>{id}</networkInterfaceId>
             <attachment><deviceIndex>{index}</deviceIndex><networkCardIndex>{card}</networkCardIndex></attachment>
             <groupSet><item><groupId>sg-1</groupId></item><item><groupId>sg-2</groupId></item></groupSet>
             <ipv6AddressesSet><item><ipv6Address>2001:db8::{index}</ipv6Address></item></ipv6AddressesSet></item>"
        )
    };
    let interfaces = interface("eni-b", 1, 0) + &interface("eni-a", 0, 0) + &interface("eni-c", 1, 1);
    format!(
        "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState>
         <placement><availabilityZone>eu-west-1a</availabilityZone></placement><ipAddress>198.51.100.1</ipAddress>
         <networkInterfaceSet>{interfaces}</networkInterfaceSet></item></instancesSet></item>"
    )
}

fn page(items: &str, next: Option<&str>) -> String {
    let next = next.map_or(String::new(), |token| format!("<nextToken>{token}</nextToken>"));
    format!(
        "<DescribeInstancesResponse><reservationSet>{items}</reservationSet>{next}</DescribeInstancesResponse>"
    )
}

fn asked(request: &Request) -> usize {
    request.form.keys().filter(|key| key.starts_with("Filter.1.Value.")).count()
}

#[tokio::test]
async fn an_instance_comes_with_its_interfaces_by_device_index() {
    let endpoint = Endpoint::start(|_| Some((200, page(&described("i-1", "running"), None)))).await;
    let (cloud, _) = clients(endpoint.url(), Fence::open());
    let ids = [InstanceId::new("i-1"), InstanceId::new("i-gone")].into();
    let instances = cloud.instances.describe(&ids).await.unwrap();
    assert_eq!(instances.len(), 1);
    let instance = &instances[&InstanceId::new("i-1")];
    assert_eq!((instance.state, instance.zone.as_str()), (InstanceState::Running, "eu-west-1a"));
    assert_eq!(instance.public_address, Some("198.51.100.1".parse().unwrap()));
    let interfaces: Vec<_> = instance.interfaces.iter().map(|(index, it)| (*index, it.id.as_str())).collect();
    assert_eq!(interfaces, [(0, "eni-a"), (1, "eni-b")]);
    let primary = &instance.interfaces[&0];
    assert_eq!(primary.ipv6, ["2001:db8::".parse::<std::net::Ipv6Addr>().unwrap()]);
    assert_eq!(primary.groups, ["sg-1", "sg-2"]);
    let form = &endpoint.requests()[0].form;
    assert_eq!((form["Filter.1.Name"].as_str(), form["Filter.1.Value.1"].as_str()), ("instance-id", "i-1"));
}

#[tokio::test]
async fn every_page_is_read_and_a_hundred_instances_are_asked_for_at_once() {
    let endpoint = Endpoint::start(|request| {
        let second = request.form.contains_key("NextToken");
        let id = format!("i-{}-{second}", asked(request));
        Some((200, page(&described(&id, "stopped"), (!second).then_some("more"))))
    })
    .await;
    let (cloud, _) = clients(endpoint.url(), Fence::open());
    let ids: BTreeSet<_> = (0..130).map(|i| InstanceId::new(format!("i-{i:03}"))).collect();
    let instances = cloud.instances.describe(&ids).await.unwrap();
    let found: Vec<_> = instances.keys().map(InstanceId::as_str).collect();
    assert_eq!(found, ["i-100-false", "i-100-true", "i-30-false", "i-30-true"]);
    assert_eq!(endpoint.requests().len(), 4);
}

#[tokio::test]
async fn nothing_is_asked_about_no_instance() {
    let endpoint = Endpoint::start(|_| None).await;
    let (cloud, _) = clients(endpoint.url(), Fence::open());
    assert!(cloud.instances.describe(&BTreeSet::new()).await.unwrap().is_empty());
    assert!(endpoint.requests().is_empty());
}
