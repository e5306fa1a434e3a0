//! Security groups and interfaces, against an endpoint that plays EC2.

mod rules;

use std::collections::BTreeSet;

use plan::aws::{Fault, GroupId, InstanceId, InterfaceId, VpcId};

use super::endpoint::{Endpoint, Reply, Request, refusal};
use super::{account, owner};
use crate::{Account, Fence};

async fn ec2(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Endpoint, Account) {
    let endpoint = Endpoint::start(answer).await;
    let (account, _) = account(endpoint.url(), Fence::open());
    (endpoint, account)
}

fn says(request: &Request, inside: &str) -> Reply {
    let action = request.action();
    Some((200, format!("<{action}Response>{inside}</{action}Response>")))
}

fn ids(ids: &[&str]) -> BTreeSet<GroupId> {
    ids.iter().map(|id| GroupId::new(*id)).collect()
}

fn eni() -> InterfaceId {
    InterfaceId::new("eni-1")
}

/// An interface as EC2 describes it.
fn interface(id: &str, index: u32, card: u32, groups: &[&str], note: Option<&str>) -> String {
    let groups: String = groups.iter().map(|id| format!("<item><groupId>{id}</groupId></item>")).collect();
    let tag = owner().interface_tag();
    let note =
        note.map_or(String::new(), |note| format!("<item><key>{tag}</key><value>{note}</value></item>"));
    format!(
        "<item><networkInterfaceId>{id}</networkInterfaceId><vpcId>vpc-1</vpcId><attachment><instanceId>i-{id}</instanceId>
         <deviceIndex>{index}</deviceIndex><networkCardIndex>{card}</networkCardIndex></attachment>
         <groupSet>{groups}</groupSet><tagSet>{note}</tagSet></item>"
    )
}

fn interfaces(request: &Request, items: &str) -> Reply {
    says(request, &format!("<networkInterfaceSet>{items}</networkInterfaceSet>"))
}

#[tokio::test]
async fn the_first_interfaces_of_instances_come_with_every_one_that_is_noted() {
    let (endpoint, account) = ec2(|request| {
        let items = match request.form["Filter.1.Name"].as_str() {
            "tag-key" => {
                interface("b", 1, 0, &["sg-1", "sg-2"], Some("sg-2")) + &interface("c", 0, 0, &[], Some(""))
            }
            _ => {
                interface("a", 0, 0, &["sg-1"], None)
                    + &interface("b", 1, 0, &[], None)
                    + &interface("d", 0, 1, &[], None)
            }
        };
        interfaces(request, &items)
    })
    .await;
    let instances = ["i-a", "i-b"].map(InstanceId::new).into();
    let found = account.groups.interfaces(&owner(), &instances).await.unwrap();
    let names: Vec<_> = found.iter().map(|interface| interface.id.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!((&found[0].instance, &found[0].vpc), (&Some(InstanceId::new("i-a")), &VpcId::new("vpc-1")));
    assert_eq!((&found[0].groups, &found[0].from_us), (&ids(&["sg-1"]), &None));
    assert_eq!((&found[1].groups, &found[1].from_us), (&ids(&["sg-1", "sg-2"]), &Some(ids(&["sg-2"]))));
    assert_eq!(found[2].from_us, Some(BTreeSet::new()), "a note that names none is a note");
    let forms: Vec<_> = endpoint.requests().into_iter().map(|request| request.form).collect();
    assert_eq!(forms[0]["Filter.1.Name"], "attachment.instance-id");
    assert_eq!(
        (forms[0]["Filter.1.Value.1"].as_str(), forms[0]["Filter.1.Value.2"].as_str()),
        ("i-a", "i-b")
    );
    assert_eq!(forms[1]["Filter.1.Value.1"], owner().interface_tag());
}

#[tokio::test]
async fn interfaces_are_read_page_by_page_and_a_hundred_instances_are_asked_for_at_once() {
    let (endpoint, account) = ec2(|request| {
        let values = request.form.keys().filter(|key| key.starts_with("Filter.1.Value.")).count();
        let second = request.form.contains_key("NextToken");
        let next = if second { "" } else { "<nextToken>more</nextToken>" };
        let items = interface(&format!("{values}-{second}"), 0, 0, &[], None);
        says(request, &format!("<networkInterfaceSet>{items}</networkInterfaceSet>{next}"))
    })
    .await;
    let instances = (0..130).map(|i| InstanceId::new(format!("i-{i:03}"))).collect();
    let found = account.groups.interfaces(&owner(), &instances).await.unwrap();
    let names: Vec<_> = found.iter().map(|interface| interface.id.as_str()).collect();
    assert_eq!(names, ["1-false", "1-true", "100-false", "100-true", "30-false", "30-true"]);
    assert_eq!(endpoint.requests().len(), 6);
}

#[tokio::test]
async fn groups_are_replaced_only_if_they_are_still_those_that_were_seen() {
    let (endpoint, account) = ec2(|request| match request.action() {
        "DescribeNetworkInterfaces" => interfaces(request, &interface("eni-1", 0, 0, &["sg-1"], None)),
        _ => says(request, "<return>true</return>"),
    })
    .await;
    let to = ids(&["sg-1", "sg-2"]);
    let failure = account.groups.set_groups(&eni(), &ids(&["sg-1", "sg-9"]), &to).await.unwrap_err();
    assert_eq!((failure.fault, failure.call), (Fault::Conflict, "ec2:ModifyNetworkInterfaceAttribute"));
    assert_eq!(endpoint.actions(), ["DescribeNetworkInterfaces"]);
    account.groups.set_groups(&eni(), &ids(&["sg-1"]), &to).await.unwrap();
    let form = &endpoint.requests()[2].form;
    assert_eq!(
        (form["Action"].as_str(), form["NetworkInterfaceId"].as_str()),
        ("ModifyNetworkInterfaceAttribute", "eni-1")
    );
    assert_eq!((form["SecurityGroupId.1"].as_str(), form["SecurityGroupId.2"].as_str()), ("sg-1", "sg-2"));
}

#[tokio::test]
async fn the_groups_of_an_interface_that_is_gone_are_not_set() {
    let (endpoint, account) = ec2(|request| interfaces(request, "")).await;
    let failure = account.groups.set_groups(&eni(), &ids(&["sg-1"]), &ids(&["sg-2"])).await.unwrap_err();
    assert_eq!(failure.fault, Fault::NotFound);
    assert_eq!(endpoint.actions(), ["DescribeNetworkInterfaces"]);
}

#[tokio::test]
async fn a_note_is_a_tag_and_an_empty_one_takes_it_away() {
    let (endpoint, account) = ec2(|request| says(request, "<return>true</return>")).await;
    account.groups.tag_interface(&eni(), "flynn.io/groups/x", &ids(&["sg-2", "sg-1"])).await.unwrap();
    account.groups.tag_interface(&eni(), "flynn.io/groups/x", &BTreeSet::new()).await.unwrap();
    assert_eq!(endpoint.actions(), ["CreateTags", "DeleteTags"]);
    for request in endpoint.requests() {
        assert_eq!(
            (request.form["ResourceId.1"].as_str(), request.form["Tag.1.Key"].as_str()),
            ("eni-1", "flynn.io/groups/x")
        );
    }
    assert_eq!(endpoint.requests()[0].form["Tag.1.Value"], "sg-1 sg-2");
    assert!(!endpoint.requests()[1].form.contains_key("Tag.1.Value"), "whatever it says");
}

#[tokio::test]
async fn a_group_is_marked_in_the_call_that_makes_it() {
    let (endpoint, account) =
        ec2(|request| says(request, "<groupId>sg-1</groupId><return>true</return>")).await;
    account.groups.create(&VpcId::new("vpc-1"), "flynn-site-x", &owner().tags("nodes")).await.unwrap();
    let form = &endpoint.requests()[0].form;
    assert_eq!((form["Action"].as_str(), form["VpcId"].as_str()), ("CreateSecurityGroup", "vpc-1"));
    assert_eq!(
        (form["GroupName"].as_str(), form["TagSpecification.1.ResourceType"].as_str()),
        ("flynn-site-x", "security-group")
    );
    let tags: Vec<_> = (1..=2).map(|i| form[&format!("TagSpecification.1.Tag.{i}.Value")].as_str()).collect();
    assert_eq!(tags, ["flynn site nodes", owner().uid.as_str()]);
}

#[tokio::test]
async fn a_group_that_is_gone_is_deleted_and_one_in_use_is_a_conflict() {
    let (endpoint, account) = ec2(|_| refusal(400, "InvalidGroup.NotFound", "It does not exist")).await;
    account.groups.delete(&GroupId::new("sg-1")).await.unwrap();
    assert_eq!(endpoint.requests()[0].form["GroupId"], "sg-1");
    let (_endpoint, account) =
        ec2(|_| refusal(400, "DependencyViolation", "It has a dependent object")).await;
    assert_eq!(account.groups.delete(&GroupId::new("sg-1")).await.unwrap_err().fault, Fault::Conflict);
}

#[tokio::test]
async fn what_ec2_refuses_says_why() {
    let faults = [
        ("InvalidGroup.Duplicate", Fault::Conflict),
        ("SecurityGroupLimitExceeded", Fault::Quota),
        ("InvalidVpcID.NotFound", Fault::NotFound),
        ("UnauthorizedOperation", Fault::Denied),
        ("InvalidParameterValue", Fault::Invalid),
    ];
    for (code, fault) in faults {
        let (_endpoint, account) = ec2(move |_| refusal(400, code, "No.")).await;
        let failure =
            account.groups.create(&VpcId::new("vpc-1"), "n", &owner().tags("nodes")).await.unwrap_err();
        assert_eq!((failure.fault, failure.code.as_deref()), (fault, Some(code)));
    }
}

#[tokio::test]
async fn the_fence_keeps_every_write_back() {
    let endpoint =
        Endpoint::start(|request| interfaces(request, &interface("eni-1", 0, 0, &["sg-1"], None))).await;
    let (account, _) = account(endpoint.url(), Fence::closed());
    let (groups, group) = (&account.groups, GroupId::new("sg-1"));
    let results = [
        groups.create(&VpcId::new("vpc-1"), "n", &owner().tags("nodes")).await,
        groups.authorize(&group, &BTreeSet::new(), "flynn/x").await,
        groups.revoke(&group, &[plan::aws::RuleId::new("sgr-1")]).await,
        groups.tag_interface(&eni(), "t", &ids(&["sg-1"])).await,
        groups.tag_interface(&eni(), "t", &BTreeSet::new()).await,
        groups.set_groups(&eni(), &ids(&["sg-1"]), &ids(&["sg-2"])).await,
        groups.delete(&group).await,
    ];
    assert!(results.iter().all(|it| it.as_ref().unwrap_err().fault == Fault::NotLeader), "{results:?}");
    assert_eq!(endpoint.actions(), ["DescribeNetworkInterfaces"]);
}
