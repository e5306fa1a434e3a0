//! Tables as they are sent.

use std::sync::LazyLock;

use schema::Catalog;

use super::*;

/// Made once: it takes a while.
static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::new);

fn print(path: (&str, &str, &str), include: Include) -> impl Fn(Value) -> Value {
    move |object| {
        let resource = CATALOG.by_path(path.0, path.1, path.2).unwrap();
        let now = "2026-01-01T00:05:00Z".parse().unwrap();
        Printer::new(resource, include, now).list(json!({"resourceVersion": "7"}), [object])
    }
}

fn namespace() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop", "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "5"},
        "status": {"phase": "Active"},
    })
}

#[test]
fn a_table_has_columns_rows_and_the_lists_metadata() {
    let table = print(("", "v1", "namespaces"), Include::Metadata)(namespace());
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    assert_eq!(table["metadata"], json!({"resourceVersion": "7"}));
    let heads = table["columnDefinitions"].as_array().unwrap().iter().map(|head| &head["name"]);
    assert_eq!(heads.collect::<Vec<_>>(), ["Name", "Status", "Age"]);
    assert_eq!(table["columnDefinitions"][0]["format"], "name");
    assert_eq!(table["rows"][0]["cells"], json!(["shop", "Active", "5m"]));
    let object = &table["rows"][0]["object"];
    assert_eq!(object["kind"], "PartialObjectMetadata");
    assert_eq!(object["metadata"]["name"], "shop");
    assert!(object.get("status").is_none());
}

#[test]
fn a_row_has_as_much_of_the_object_as_was_asked_for() {
    let row = |include| print(("", "v1", "namespaces"), include)(namespace())["rows"][0].clone();
    assert_eq!(row(Include::None)["object"], Value::Null);
    assert_eq!(row(Include::Object)["object"], namespace());
}

#[test]
fn what_to_include_is_one_of_three_words() {
    assert_eq!(Include::parse(None).unwrap(), Include::Metadata);
    assert_eq!(Include::parse(Some("")).unwrap(), Include::Metadata);
    assert_eq!(Include::parse(Some("Object")).unwrap(), Include::Object);
    let failure = Include::parse(Some("Foo")).unwrap_err();
    assert_eq!(failure.code(), http::StatusCode::BAD_REQUEST);
}

#[test]
fn only_the_first_event_of_a_watch_has_the_columns() {
    let resource = CATALOG.by_path("", "v1", "namespaces").unwrap();
    let printer = Printer::new(resource, Include::Metadata, Timestamp::UNIX_EPOCH);
    assert!(printer.object(namespace(), true)["columnDefinitions"].is_array());
    let second = printer.object(namespace(), false);
    assert_eq!(second["columnDefinitions"], Value::Null);
    assert_eq!(second["metadata"], json!({"resourceVersion": "5"}));
}

#[test]
fn a_bookmark_is_a_row_without_content() {
    let bookmark = json!({"kind": "Namespace", "metadata": {"resourceVersion": "9"}});
    let row = print(("", "v1", "namespaces"), Include::Metadata)(bookmark)["rows"][0].clone();
    assert_eq!(row["cells"], json!(["", "", "<unknown>"]));
}

#[test]
fn every_kind_has_as_many_cells_as_columns() {
    for resource in CATALOG.resources() {
        let printer = Printer::new(resource, Include::None, Timestamp::UNIX_EPOCH);
        let table = printer.list(json!({}), [json!({"metadata": {"name": "x"}})]);
        let columns = table["columnDefinitions"].as_array().unwrap().len();
        assert_eq!(table["rows"][0]["cells"].as_array().unwrap().len(), columns, "{}", resource.kind);
    }
}

#[test]
fn a_custom_kind_is_printed_by_its_definition() {
    let app = json!({
        "metadata": {"name": "shop", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"image": "shop:1"},
        "status": {
            "replicas": 2,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Ok"}],
        },
    });
    let table = print(("flynn.io", "v1alpha1", "apps"), Include::Metadata)(app);
    assert_eq!(table["rows"][0]["cells"], json!(["shop", null, "shop:1", 2, "True", "Ok", "5m"]));
    assert_eq!(table["columnDefinitions"][3]["type"], "integer");
}

#[test]
fn a_definition_is_shown_with_the_time_itself() {
    let definition =
        json!({"metadata": {"name": "apps.flynn.io", "creationTimestamp": "2026-01-01T00:00:00Z"}});
    let table = print(("apiextensions.k8s.io", "v1", "customresourcedefinitions"), Include::None)(definition);
    assert_eq!(table["rows"][0]["cells"], json!(["apps.flynn.io", "2026-01-01T00:00:00Z"]));
    assert_eq!(table["columnDefinitions"][1]["type"], "date");
}

#[test]
fn metadata_alone_is_a_kind_of_its_own() {
    let list = partial_list(json!({"resourceVersion": "7", "continue": "x"}), [namespace()]);
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["metadata"]["continue"], "x");
    assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
    assert_eq!(list["items"][0]["metadata"], namespace()["metadata"]);
    assert_eq!(partial(json!({}))["metadata"], json!({}));
}
