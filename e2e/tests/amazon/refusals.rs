//! Where the proxy is stricter than moto: one test for each rule of `e2e::amazon::rules`.

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::{IpPermission, UserIdGroupPair};
use e2e::Amazon;
use e2e::amazon::{Quotas, Settings};

use crate::amazon::{Clients, allocate, code};

const ZONE: &str = "us-east-1a";

#[tokio::test]
async fn an_address_over_the_quota_is_not_allocated() -> Result<()> {
    let quotas = Quotas { elastic_ips: 2, ..Quotas::default() };
    let amazon = Amazon::with(Settings { quotas, ..Settings::default() }).await?;
    let ec2 = Clients::of(&amazon).ec2;
    let first = allocate(&ec2).await?;
    allocate(&ec2).await?;
    assert_eq!(code(ec2.allocate_address().send().await)?, "AddressLimitExceeded");
    ec2.release_address().allocation_id(first).send().await?;
    allocate(&ec2).await?;
    Ok(())
}

#[tokio::test]
async fn an_associated_address_is_not_released() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let (instance, address) = (amazon.account.run(ZONE).await?, allocate(&ec2).await?);
    let made = ec2.associate_address().instance_id(&instance).allocation_id(&address).send().await?;
    let release = || ec2.release_address().allocation_id(&address).send();
    assert_eq!(code(release().await)?, "InvalidIPAddress.InUse");
    ec2.disassociate_address().set_association_id(made.association_id).send().await?;
    release().await?;
    Ok(())
}

#[tokio::test]
async fn an_instance_that_is_gone_gets_no_address_and_a_stopped_one_does() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let (stopped, gone) = (amazon.account.run(ZONE).await?, amazon.account.run(ZONE).await?);
    let address = allocate(&ec2).await?;
    let associate =
        |instance: &str| ec2.associate_address().instance_id(instance).allocation_id(&address).send();
    amazon.account.terminate(&gone).await?;
    assert_eq!(code(associate(&gone).await)?, "InvalidInstanceID");
    assert_eq!(code(associate("i-00000000000000000").await)?, "InvalidInstanceID.NotFound");
    amazon.account.stop(&stopped).await?;
    associate(&stopped).await?;
    Ok(())
}

#[tokio::test]
async fn an_instance_with_two_interfaces_is_not_enough_to_associate_an_address() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let (instance, address) = (amazon.account.run(ZONE).await?, allocate(&ec2).await?);
    let second = amazon.account.add_interface(&instance).await?;
    let by_instance = ec2.associate_address().instance_id(&instance).allocation_id(&address).send().await;
    assert_eq!(code(by_instance)?, "InvalidInstanceID");
    ec2.associate_address().network_interface_id(&second).allocation_id(&address).send().await?;
    let told = amazon.account.addresses().await?;
    assert_eq!(told[0].network_interface_id(), Some(second.as_str()));
    Ok(())
}

#[tokio::test]
async fn an_address_that_is_associated_moves_only_if_that_is_allowed_and_leaves_nothing_behind() -> Result<()>
{
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let (old, new) = (amazon.account.run(ZONE).await?, amazon.account.run(ZONE).await?);
    let address = allocate(&ec2).await?;
    let associate = |instance: &str, moves: bool| {
        ec2.associate_address()
            .instance_id(instance)
            .allocation_id(&address)
            .allow_reassociation(moves)
            .send()
    };
    associate(&old, false).await?;
    assert_eq!(code(associate(&new, false).await)?, "Resource.AlreadyAssociated");
    associate(&new, true).await?;
    let ip = amazon.account.address_of(&new).await?.context("it has the address")?.to_string();
    for (instance, has) in [(&old, false), (&new, true)] {
        let interfaces = amazon.account.interfaces_of(instance).await?;
        let public = interfaces[0].association().and_then(|association| association.public_ip());
        ensure!((public == Some(ip.as_str())) == has, "{instance} has {public:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_second_address_takes_the_place_of_the_first_which_stays_allocated() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let instance = amazon.account.run(ZONE).await?;
    let (first, second) = (allocate(&ec2).await?, allocate(&ec2).await?);
    for address in [&first, &second] {
        ec2.associate_address().instance_id(&instance).allocation_id(address).send().await?;
    }
    let addresses = amazon.account.addresses().await?;
    let associated = addresses.iter().filter(|address| address.association_id().is_some());
    let ids: Vec<_> = associated.filter_map(|address| address.allocation_id()).collect();
    assert_eq!((addresses.len(), ids), (2, vec![second.as_str()]));
    Ok(())
}

#[tokio::test]
async fn an_address_that_an_interface_was_given_tells_the_instance_and_can_be_taken_back() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let (instance, address) = (amazon.account.run(ZONE).await?, allocate(&ec2).await?);
    let interfaces = amazon.account.interfaces_of(&instance).await?;
    let interface = interfaces[0].network_interface_id().context("it has an id")?;
    let made = ec2.associate_address().network_interface_id(interface).allocation_id(&address).send().await?;
    let told = ec2.describe_addresses().send().await?.addresses.unwrap_or_default();
    assert_eq!(told[0].instance_id(), Some(instance.as_str()));
    assert_eq!(
        (told[0].association_id(), told[0].network_interface_id()),
        (made.association_id(), Some(interface))
    );
    ec2.disassociate_address().set_association_id(made.association_id).send().await?;
    assert_eq!(amazon.account.address_of(&instance).await?, None);
    Ok(())
}

#[tokio::test]
async fn an_instance_that_is_terminated_leaves_its_address_allocated_and_free() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let (instance, address) = (amazon.account.run(ZONE).await?, allocate(&ec2).await?);
    ec2.associate_address().instance_id(&instance).allocation_id(&address).send().await?;
    let second = amazon.account.add_interface(&instance).await?;
    ec2.terminate_instances().instance_ids(&instance).send().await?;
    let addresses = amazon.account.addresses().await?;
    assert_eq!((addresses.len(), addresses[0].association_id()), (1, None));
    ensure!(amazon.account.interfaces_of(&instance).await?.is_empty(), "it still has an interface");
    let left = amazon.account.interfaces().await?;
    let left: Vec<_> = left.iter().filter_map(|interface| interface.network_interface_id()).collect();
    assert_eq!(left, [second]);
    Ok(())
}

/// A group in the default network.
async fn group(ec2: &aws_sdk_ec2::Client, name: &str) -> Result<String> {
    let made = ec2.create_security_group().group_name(name).description(name).send().await?;
    made.group_id.context("it has an id")
}

#[tokio::test]
async fn a_security_group_that_is_in_use_is_not_deleted() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let instance = amazon.account.run(ZONE).await?;
    let (used, named) = (group(&ec2, "used").await?, group(&ec2, "named").await?);
    let interfaces = amazon.account.interfaces_of(&instance).await?;
    let own = interfaces[0].groups()[0].group_id().context("it has one")?;
    let set = |groups: &[&str]| {
        let groups = groups.iter().map(ToString::to_string).collect();
        let modify = ec2.modify_network_interface_attribute().set_groups(Some(groups));
        modify.set_network_interface_id(interfaces[0].network_interface_id.clone()).send()
    };
    set(&[own, &used]).await?;
    let rule = IpPermission::builder()
        .ip_protocol("-1")
        .user_id_group_pairs(UserIdGroupPair::builder().group_id(&named).build());
    ec2.authorize_security_group_ingress().group_id(&used).ip_permissions(rule.build()).send().await?;
    let delete = |group: &str| ec2.delete_security_group().group_id(group).send();
    assert_eq!(code(delete(&used).await)?, "DependencyViolation");
    assert_eq!(code(delete(&named).await)?, "DependencyViolation");
    set(&[own]).await?;
    delete(&used).await?;
    delete(&named).await?;
    Ok(())
}

#[tokio::test]
async fn the_groups_of_an_instance_are_those_of_its_interface() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let instance = amazon.account.run(ZONE).await?;
    let (first, second) = (group(&ec2, "first").await?, group(&ec2, "second").await?);
    let groups = async || {
        let interfaces = amazon.account.interfaces_of(&instance).await?;
        let mut ids: Vec<_> =
            interfaces[0].groups().iter().filter_map(|group| group.group_id.clone()).collect();
        ids.sort_unstable();
        anyhow::Ok(ids)
    };
    ec2.modify_instance_attribute().instance_id(&instance).groups(&first).groups(&second).send().await?;
    let mut both = [first.clone(), second.clone()];
    both.sort_unstable();
    assert_eq!(groups().await?, both);
    let interface = amazon.account.interfaces_of(&instance).await?.remove(0).network_interface_id;
    let modify = ec2.modify_network_interface_attribute().set_network_interface_id(interface);
    modify.groups(&second).send().await?;
    assert_eq!(groups().await?, [second]);
    Ok(())
}

#[tokio::test]
async fn the_groups_of_an_instance_with_two_interfaces_are_set_by_interface_only() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let instance = amazon.account.run(ZONE).await?;
    amazon.account.add_interface(&instance).await?;
    let group = group(&ec2, "more").await?;
    let modify = ec2.modify_instance_attribute().instance_id(&instance).groups(&group).send().await;
    assert_eq!(code(modify)?, "InvalidInstanceID");
    Ok(())
}

#[tokio::test]
async fn an_interface_has_five_groups_that_exist() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let instance = amazon.account.run(ZONE).await?;
    let interface = amazon.account.interfaces_of(&instance).await?.remove(0).network_interface_id;
    let mut groups = Vec::new();
    for number in 0..6 {
        groups.push(group(&ec2, &format!("group-{number}")).await?);
    }
    let set = |groups: Vec<String>| {
        let modify = ec2.modify_network_interface_attribute().set_network_interface_id(interface.clone());
        modify.set_groups(Some(groups)).send()
    };
    assert_eq!(code(set(groups.clone()).await)?, "SecurityGroupsPerInterfaceLimitExceeded");
    assert_eq!(code(set(vec!["sg-00000000000000000".to_owned()]).await)?, "InvalidGroup.NotFound");
    groups.truncate(5);
    set(groups).await?;
    Ok(())
}
