//! What each role may do, what it is told that it may do, and how users come and go.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;

const TOKEN: &str = "0123456789abcdef";

/// Made once: it takes a while.
pub(super) static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| Arc::new(Catalog::new()));

fn user(role: Role) -> User {
    User::new("ann", role, &CATALOG)
}

fn in_namespaces(namespaces: &[&str]) -> Role {
    Role::Namespace(namespaces.iter().map(|&name| name.to_owned()).collect())
}

/// Whether the user may do this; `resource` as in `deployments.apps/scale`.
fn may(user: &User, verb: &str, resource: &str, namespace: &str) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let wish = ResourceAttributes { verb, group, resource, subresource, namespace, name: "" };
    user.allows(&Attributes::Resource(wish))
}

#[test]
fn role_read_sees_everything_except_secrets_and_changes_nothing() {
    let user = user(Role::Read);
    for resource in
        ["pods", "pods/log", "nodes", "deployments.apps", "apps.flynn.io", "deployments.apps/scale"]
    {
        for verb in ["get", "list", "watch"] {
            assert!(may(&user, verb, resource, ""), "{verb} {resource}");
            assert!(may(&user, verb, resource, "shop"), "{verb} {resource}");
        }
        for verb in ["create", "update", "patch", "delete", "deletecollection", "*"] {
            assert!(!may(&user, verb, resource, "shop"), "{verb} {resource}");
        }
    }
    for verb in ["get", "list", "watch"] {
        assert!(!may(&user, verb, "secrets", "shop"), "{verb}");
    }
    assert!(!may(&user, "get", "*", "shop"), "everything would include Secrets");
    assert!(!may(&user, "get", "namespaces/finalize", ""), "there is nothing to read");
    assert!(user.allows(&Attributes::Path { verb: "get", path: "/metrics" }));
    assert!(!user.allows(&Attributes::Path { verb: "post", path: "/metrics" }));
}

#[test]
fn role_namespace_does_everything_there_and_only_sees_the_cluster() {
    let user = user(in_namespaces(&["shop", "blog"]));
    for verb in ["get", "create", "delete", "deletecollection"] {
        assert!(may(&user, verb, "secrets", "shop"), "{verb}");
        assert!(may(&user, verb, "deployments.apps/scale", "blog"), "{verb}");
        assert!(!may(&user, verb, "secrets", "other"), "{verb}");
        assert!(!may(&user, verb, "pods", ""), "{verb}: all namespaces");
    }
    for verb in ["get", "list", "watch"] {
        assert!(may(&user, verb, "nodes", ""), "{verb}");
        assert!(may(&user, verb, "clusters.flynn.io", ""), "{verb}");
    }
    assert!(may(&user, "get", "namespaces", "shop"), "its own name is a Namespace's namespace");
    for verb in ["create", "delete", "patch"] {
        assert!(!may(&user, verb, "namespaces", "shop"), "{verb}");
        assert!(!may(&user, verb, "clusters.flynn.io", ""), "{verb}");
    }
    assert!(user.allows(&Attributes::Path { verb: "get", path: "/openapi/v3/apis/apps/v1" }));
    assert!(!user.allows(&Attributes::Path { verb: "get", path: "/metrics" }));
}

#[test]
fn role_all_does_everything_even_with_what_is_not_served() {
    let user = user(Role::All);
    assert!(may(&user, "*", "*.*", ""));
    assert!(may(&user, "delete", "namespaces", "shop"));
    assert!(user.allows(&Attributes::Path { verb: "post", path: "/anything" }));
    assert_eq!(user.groups(), ["system:masters", "system:authenticated"]);
}

#[test]
fn everybody_may_ask_about_himself() {
    for role in [Role::Read, in_namespaces(&["shop"]), Role::All] {
        let user = user(role);
        assert!(may(&user, "create", "selfsubjectaccessreviews.authorization.k8s.io", ""));
        assert!(may(&user, "create", "selfsubjectrulesreviews.authorization.k8s.io", ""));
        assert!(may(&user, "create", "selfsubjectreviews.authentication.k8s.io", ""));
    }
}

#[test]
fn can_i_is_answered_by_the_rules_that_decide() {
    let user = user(in_namespaces(&["shop"]));
    let ask = |attributes: Value| {
        let review = json!({"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
        review_access(&user, review).unwrap()["status"]["allowed"].as_bool().unwrap()
    };
    assert!(ask(json!({"verb": "delete", "resource": "pods", "namespace": "shop"})));
    assert!(!ask(json!({"verb": "delete", "resource": "pods", "namespace": "blog"})));
    assert!(!ask(json!({"verb": "*", "resource": "*", "group": "*"})));

    let path = json!({"spec": {"nonResourceAttributes": {"verb": "get", "path": "/version"}}});
    assert_eq!(review_access(&user, path).unwrap()["status"], json!({"allowed": true}));
}

#[test]
fn a_review_that_asks_nothing_or_two_things_is_invalid() {
    let user = user(Role::All);
    let both = json!({"spec": {"resourceAttributes": {}, "nonResourceAttributes": {}}});
    for review in [json!({"spec": {}}), both] {
        assert!(matches!(review_access(&user, review), Err(ReviewError::Invalid { .. })));
    }
    assert_eq!(review_rules(&user, json!({"spec": {}})), Err(ReviewError::NoNamespace));
    let both = json!({"spec": {"resourceAttributes": {}, "nonResourceAttributes": {"path": "/"}}});
    let error = review_access(&user, both).unwrap_err();
    let expected = r#"Invalid value: {"Path":"/","Verb":""}: cannot be specified in combination with resourceAttributes"#;
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_review_of_access_has_no_metadata_but_who_manages_its_fields() {
    let user = user(Role::All);
    let review = |metadata| json!({"metadata": metadata, "spec": {"resourceAttributes": {"verb": "get"}}});
    assert!(review_access(&user, review(json!({"managedFields": []}))).is_ok());
    assert!(review_access(&user, review(json!({"name": "x"}))).is_err());
}

#[test]
fn the_list_of_rules_names_what_holds_in_the_namespace() {
    let rules = |role: Role, namespace: &str| {
        let review = json!({"spec": {"namespace": namespace}});
        review_rules(&user(role), review).unwrap()["status"].clone()
    };
    let all = rules(Role::All, "shop");
    assert_eq!(all["resourceRules"][0], json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
    assert_eq!(all["incomplete"], false);

    let has_secrets = |status: &Value| {
        let rules = status["resourceRules"].as_array().unwrap().iter();
        rules.flat_map(|rule| rule["resources"].as_array().unwrap()).any(|resource| resource == "secrets")
    };
    assert!(has_secrets(&rules(in_namespaces(&["shop"]), "shop")));
    assert!(!has_secrets(&rules(in_namespaces(&["shop"]), "blog")));
    assert!(!has_secrets(&rules(Role::Read, "shop")));
}

#[test]
fn whoami_names_the_user_and_the_groups() {
    let review = identity_review(&user(Role::Read), "2026-01-01T00:00:00.5Z".parse().unwrap());
    let expected = json!({"username": "ann", "uid": "ann", "groups": ["system:authenticated"]});
    assert_eq!(review["status"]["userInfo"], expected);
    assert_eq!(review["metadata"]["creationTimestamp"], "2026-01-01T00:00:00Z");
}

/// A private users file, written as a whole.
fn write(file: &Path, text: &str) {
    write_private(file, text).unwrap();
}

fn users(file: &Path) -> Users {
    Users::new(Arc::clone(&CATALOG), &Token::from("admin-token".to_owned()), Some(file.to_owned())).unwrap()
}

#[test]
fn a_token_names_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.yaml");
    write(&file, &format!("users: [{{name: ann, role: read, token: {TOKEN}}}]"));
    let users = users(&file);
    assert_eq!(users.authenticate("admin-token").unwrap().name(), "admin");
    assert_eq!(users.authenticate(TOKEN).unwrap().role(), &Role::Read);
    assert!(users.authenticate("").is_none());
    assert!(users.authenticate("admin-toke").is_none());
    assert!(!format!("{users:?}").contains(TOKEN), "a token is in the debug output");
}

#[test]
fn a_user_whose_line_went_is_gone_and_the_others_stay_who_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.yaml");
    let ann = format!("- {{name: ann, role: read, token: {TOKEN}}}\n");
    let bob = "- {name: bob, role: all, token: bobs-secret-token}\n";
    write(&file, &format!("users:\n{ann}{bob}"));
    let users = users(&file);
    let (before_ann, before_bob) =
        (users.authenticate(TOKEN).unwrap(), users.authenticate("bobs-secret-token").unwrap());
    let changes = users.changes();
    assert!(!users.refresh().unwrap(), "nothing changed");

    write(&file, &format!("users:\n{bob}"));
    assert!(users.refresh().unwrap());
    assert!(users.authenticate(TOKEN).is_none());
    assert!(!users.is_current(&before_ann));
    assert!(users.is_current(&before_bob), "what bob began goes on");
    assert!(changes.has_changed().unwrap());
    assert!(users.is_current(&users.admin()));

    write(&file, &format!("users:\n{}", bob.replace("role: all", "role: read")));
    users.refresh().unwrap();
    assert!(!users.is_current(&before_bob), "bob may do less now");
}

#[test]
fn a_write_in_the_same_instant_and_of_the_same_size_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.yaml");
    write(&file, &format!("users: [{{name: ann, role: read, token: {TOKEN}}}]"));
    let users = users(&file);
    let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
    let other = format!("users: [{{name: bob, role: read, token: {}}}]", TOKEN.replace('0', "x"));
    std::fs::write(&file, other).unwrap();
    std::fs::File::options().append(true).open(&file).unwrap().set_modified(modified).unwrap();
    assert!(users.refresh().unwrap());
    assert!(users.authenticate(TOKEN).is_none());
}

#[test]
fn a_file_that_became_wrong_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.yaml");
    write(&file, &format!("users: [{{name: ann, role: read, token: {TOKEN}}}]"));
    let users = users(&file);
    write(&file, "users: [{name: ann, role: king}]");
    assert!(matches!(users.refresh(), Err(UsersError::Content { line: 1, .. })));
    assert!(users.authenticate(TOKEN).is_some());
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(users.refresh(), Err(UsersError::Read { .. })));
    assert!(users.authenticate(TOKEN).is_some());
}

#[test]
fn a_file_that_is_not_there_is_an_error_at_the_start() {
    let missing = Path::new("/nonexistent/users.yaml").to_owned();
    let admin = Token::generate();
    assert!(matches!(Users::new(Arc::clone(&CATALOG), &admin, Some(missing)), Err(UsersError::Read { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_read_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.yaml");
    write(&file, "users:\n");
    let users = users(&file);
    let mut changes = users.changes();
    write(&file, &format!("users: [{{name: ann, role: read, token: {TOKEN}}}]"));
    tokio::select! {
        () = users.follow() => unreachable!("the users are followed for ever"),
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("the file is not looked at"),
        changed = changes.changed() => changed.unwrap(),
    }
    assert!(users.authenticate(TOKEN).is_some());
}
