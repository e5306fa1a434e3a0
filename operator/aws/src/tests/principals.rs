//! Users and roles, against an endpoint that plays IAM.

use std::collections::BTreeMap;

use plan::aws::Fault;
use plan::aws::storage::PrincipalKind::{self, Role, User};
use serde_json::json;

use super::account;
use super::endpoint::{Endpoint, Reply, Request};
use crate::{Account, Fence};

pub(super) async fn iam(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Endpoint, Account) {
    let endpoint = Endpoint::start(answer).await;
    let (account, _) = account(endpoint.url(), Fence::open());
    (endpoint, account)
}

/// The answer to this request with that inside.
pub(super) fn result(request: &Request, inside: &str) -> Reply {
    let action = request.action();
    let text = format!("<{action}Response><{action}Result>{inside}</{action}Result></{action}Response>");
    Some((200, text))
}

/// A refusal as IAM words it.
pub(super) fn refusal(status: u16, code: &str) -> Reply {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message></Error>");
    Some((status, format!("<ErrorResponse>{error}</ErrorResponse>")))
}

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("flynn.io/blobstore".to_owned(), "u/shop/blobs".to_owned())])
}

/// What is the same of a user and of a role, in an answer.
const NAMED: &str = "<Path>/</Path><CreateDate>2026-01-01T00:00:00Z</CreateDate>
    <Tags><member><Key>flynn.io/blobstore</Key><Value>u/shop/blobs</Value></member></Tags>";

/// A user and a role, with lists of two pages each.
fn played(request: &Request) -> Reply {
    let list = |name: &str, one: &str, two: &str| {
        let (items, more) = match request.form.get("Marker").map(String::as_str) {
            None => (one, "<IsTruncated>true</IsTruncated><Marker>more</Marker>"),
            Some(_) => (two, "<IsTruncated>false</IsTruncated>"),
        };
        result(request, &format!("<{name}>{items}</{name}>{more}"))
    };
    let attached =
        |name: &str| format!("<member><PolicyName>{name}</PolicyName><PolicyArn>arn:p</PolicyArn></member>");
    let group = |name: &str| format!("<member><GroupName>{name}</GroupName><Arn>arn:g</Arn></member>");
    match request.action() {
        "GetUser" => {
            result(request, &format!("<User><UserName>n</UserName><Arn>arn:user/n</Arn>{NAMED}</User>"))
        }
        "GetRole" => {
            let trust = "%7B%22Statement%22%3A%5B%5D%7D";
            let trust = format!("<AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument>");
            result(
                request,
                &format!("<Role><RoleName>n</RoleName><Arn>arn:role/n</Arn>{trust}{NAMED}</Role>"),
            )
        }
        "ListUserPolicies" | "ListRolePolicies" => {
            list("PolicyNames", "<member>flynn-blobstore</member>", "<member>theirs</member>")
        }
        "GetUserPolicy" | "GetRolePolicy" => {
            let name = &request.form["PolicyName"];
            result(
                request,
                &format!(
                    "<PolicyName>{name}</PolicyName><PolicyDocument>%7B%22Id%22%3A%22{name}%22%7D</PolicyDocument>"
                ),
            )
        }
        "ListAttachedUserPolicies" | "ListAttachedRolePolicies" => {
            list("AttachedPolicies", &attached("ReadOnly"), &attached("Admin"))
        }
        "ListGroupsForUser" => list("Groups", &group("staff"), &group("ops")),
        other => panic!("nobody asks for {other}"),
    }
}

#[tokio::test]
async fn a_user_is_read_whole() {
    let (_endpoint, account) = iam(played).await;
    let user = account.principals.read(User, "n").await.unwrap().unwrap();
    assert_eq!((user.arn.as_str(), user.trust), ("arn:user/n", None));
    assert_eq!(user.tags, tags());
    let policies = ["flynn-blobstore", "theirs"].map(|name| (name.to_owned(), json!({ "Id": name })));
    assert_eq!(user.policies, policies.into());
    assert_eq!(user.attached, ["Admin", "ReadOnly", "ops", "staff"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_role_is_read_with_who_may_take_it_on() {
    let (endpoint, account) = iam(played).await;
    let role = account.principals.read(Role, "n").await.unwrap().unwrap();
    assert_eq!((role.arn.as_str(), role.trust), ("arn:role/n", Some(json!({ "Statement": [] }))));
    assert_eq!((role.tags, role.policies.len()), (tags(), 2));
    assert_eq!(role.attached, ["Admin", "ReadOnly"].map(str::to_owned).into());
    assert!(endpoint.actions().iter().all(|action| action.contains("Role")), "{:?}", endpoint.actions());
}

#[tokio::test]
async fn who_is_not_there_is_nobody_and_who_may_not_be_seen_is_a_failure() {
    for kind in [User, Role] {
        let (endpoint, account) = iam(|_| refusal(404, "NoSuchEntity")).await;
        assert_eq!(account.principals.read(kind, "n").await.unwrap(), None);
        assert_eq!(endpoint.requests().len(), 1);
        let (_endpoint, account) = iam(|_| refusal(403, "AccessDenied")).await;
        assert_eq!(account.principals.read(kind, "n").await.unwrap_err().fault, Fault::Denied);
    }
}

#[tokio::test]
async fn a_policy_that_went_after_it_was_listed_is_none() {
    let (_endpoint, account) = iam(|request| match request.action() {
        "GetUserPolicy" => refusal(404, "NoSuchEntity"),
        _ => played(request),
    })
    .await;
    let user = account.principals.read(User, "n").await.unwrap().unwrap();
    assert!(user.policies.is_empty());
}

#[tokio::test]
async fn a_user_is_created_and_marked_in_one_call() {
    let (endpoint, account) = iam(|request| result(request, "")).await;
    account.principals.create(User, "n", &tags(), None).await.unwrap();
    let form = &endpoint.requests()[0].form;
    assert_eq!((form["Action"].as_str(), form["UserName"].as_str()), ("CreateUser", "n"));
    assert_eq!(form["Tags.member.1.Key"], "flynn.io/blobstore");
    assert_eq!(form["Tags.member.1.Value"], "u/shop/blobs");
}

#[tokio::test]
async fn a_role_is_created_with_who_may_take_it_on() {
    let (endpoint, account) = iam(|request| result(request, "")).await;
    let trust = json!({ "Statement": [] });
    account.principals.create(Role, "n", &tags(), Some(&trust)).await.unwrap();
    account.principals.put_trust("n", &trust).await.unwrap();
    let requests = endpoint.requests();
    assert_eq!(endpoint.actions(), ["CreateRole", "UpdateAssumeRolePolicy"]);
    assert_eq!(requests[0].form["AssumeRolePolicyDocument"], r#"{"Statement":[]}"#);
    assert_eq!(requests[0].form["Tags.member.1.Value"], "u/shop/blobs");
    assert_eq!(requests[1].form["PolicyDocument"], r#"{"Statement":[]}"#);
}

/// Every call that changes a user or a role which is there.
async fn change(account: &Account, kind: PrincipalKind) -> [Result<(), plan::aws::Failure>; 4] {
    let principals = &account.principals;
    [
        principals.tag(kind, "n", &tags()).await,
        principals.put_policy(kind, "n", "flynn-blobstore", &json!({ "Statement": [] })).await,
        principals.delete_policy(kind, "n", "flynn-blobstore").await,
        principals.delete(kind, "n").await,
    ]
}

#[tokio::test]
async fn a_user_and_a_role_are_changed_by_the_calls_of_their_own() {
    for (kind, word) in [(User, "User"), (Role, "Role")] {
        let (endpoint, account) = iam(|request| result(request, "")).await;
        assert!(change(&account, kind).await.iter().all(Result::is_ok));
        let actions =
            ["Tag#", "Put#Policy", "Delete#Policy", "Delete#"].map(|action| action.replace('#', word));
        assert_eq!(endpoint.actions(), actions);
        let requests = endpoint.requests();
        assert!(requests.iter().all(|request| request.form[&format!("{word}Name")] == "n"));
        assert_eq!(requests[1].form["PolicyDocument"], r#"{"Statement":[]}"#);
        assert_eq!(requests[2].form["PolicyName"], "flynn-blobstore");
    }
}

#[tokio::test]
async fn what_is_gone_is_deleted_but_cannot_be_changed() {
    for kind in [User, Role] {
        let (_endpoint, account) = iam(|_| refusal(404, "NoSuchEntity")).await;
        let [tag, put, delete_policy, delete] = change(&account, kind).await;
        assert_eq!((tag.unwrap_err().fault, put.unwrap_err().fault), (Fault::NotFound, Fault::NotFound));
        assert_eq!((delete_policy, delete), (Ok(()), Ok(())));
    }
}

#[tokio::test]
async fn what_iam_refuses_says_why() {
    let faults = [
        (409, "EntityAlreadyExists", Fault::Conflict),
        (409, "DeleteConflict", Fault::Conflict),
        (409, "LimitExceeded", Fault::Quota),
        (400, "MalformedPolicyDocument", Fault::Invalid),
        (403, "InvalidClientTokenId", Fault::CredentialsRefused),
        (400, "Throttling", Fault::Throttled),
        (500, "ServiceFailure", Fault::Server),
    ];
    for (status, code, fault) in faults {
        let (_endpoint, account) = iam(move |_| refusal(status, code)).await;
        let failure = account.principals.delete(User, "n").await.unwrap_err();
        assert_eq!(
            (failure.fault, failure.code.as_deref(), failure.call),
            (fault, Some(code), "iam:DeleteUser")
        );
    }
}

#[tokio::test]
async fn a_refusal_is_one_even_if_its_text_was_cut_off() {
    let (endpoint, account) =
        iam(|_| Some((403, "<ErrorResponse><Error><Code>AccessDenied</Code>".to_owned()))).await;
    assert_eq!(account.principals.keys("n").await.unwrap_err().fault, Fault::Denied);
    assert_eq!(endpoint.requests().len(), 1);
}

#[tokio::test]
async fn the_fence_keeps_every_write_back() {
    let endpoint = Endpoint::start(played).await;
    let (account, _) = account(endpoint.url(), Fence::closed());
    let key = plan::aws::AccessKeyId::new("AKIA1");
    let mut results: Vec<_> =
        change(&account, User).await.into_iter().chain(change(&account, Role).await).collect();
    results.push(account.principals.create(User, "n", &tags(), None).await);
    results.push(account.principals.create(Role, "n", &tags(), None).await);
    results.push(account.principals.put_trust("n", &json!({})).await);
    results.push(account.principals.create_key("n").await.map(drop));
    results.push(account.principals.deactivate_key("n", &key).await);
    results.push(account.principals.delete_key("n", &key).await);
    assert!(results.iter().all(|it| it.as_ref().unwrap_err().fault == Fault::NotLeader), "{results:?}");
    assert!(endpoint.requests().is_empty());
    assert!(account.principals.read(User, "n").await.unwrap().is_some());
}
