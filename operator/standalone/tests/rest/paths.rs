//! What is answered where no object is: other methods, other versions, other places.

use http::Method;
use serde_json::Value;

use crate::api::{Api, message};

const NO_PAGE: &str = "404 page not found\n";

/// The code, and the reason of a Status or the text of anything else.
async fn asked(api: &Api, method: Method, path: &str) -> (u16, String) {
    let (code, answer) = api.ask(method, path, None).await;
    let said = answer["reason"].as_str().or(answer.as_str()).or(answer["kind"].as_str());
    (code, said.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_is_only_read_allows_no_other_method() {
    let api = Api::start().await;
    for path in ["/version", "/api", "/api/v1", "/apis/apps/v1"] {
        assert_eq!(asked(&api, Method::POST, path).await, (405, "MethodNotAllowed".to_owned()), "{path}");
    }
    for (path, said) in
        [("/apis/apps", "APIGroup"), ("/apis/flynn.io/v1alpha1", "APIResourceList"), ("/healthz", "ok")]
    {
        assert_eq!(asked(&api, Method::POST, path).await, (200, said.to_owned()), "{path}");
    }
    assert_eq!(asked(&api, Method::DELETE, "/nothing").await, (404, NO_PAGE.to_owned()));
}

#[tokio::test]
async fn a_version_that_there_is_not_is_told_by_who_serves_the_group() {
    let api = Api::start().await;
    for path in ["/api/v2", "/apis/apps/v9"] {
        assert_eq!(asked(&api, Method::GET, path).await, (404, "NotFound".to_owned()), "{path}");
    }
    for path in ["/apis/flynn.io/v9", "/apis/example.com/v1"] {
        assert_eq!(asked(&api, Method::GET, path).await, (404, NO_PAGE.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_custom_kind_in_another_place_is_no_page() {
    let api = Api::start().await;
    let path = "/apis/flynn.io/v1alpha1/namespaces/default/clusters";
    assert_eq!(asked(&api, Method::GET, path).await, (404, NO_PAGE.to_owned()));
}

#[tokio::test]
async fn a_status_is_not_created() {
    let api = Api::start().await;
    let path = "/apis/flynn.io/v1alpha1/namespaces/default/apps/www/status";
    let (code, status) = api.ask(Method::POST, path, Some(Value::Null)).await;
    let expected = "create is not supported on resources of kind \"apps.flynn.io\"";
    assert_eq!((code, message(&status)), (405, expected));
    let details = serde_json::json!({"group": "flynn.io", "kind": "apps"});
    assert_eq!(status["details"], details);
}

#[tokio::test]
async fn what_is_created_has_its_own_name_not_that_of_the_path() {
    let api = Api::start().await;
    let path = "/apis/flynn.io/v1alpha1/namespaces/default/certificates";
    let certificate = serde_json::json!({"apiVersion": "flynn.io/v1alpha1", "kind": "Certificate", "metadata": {"name": "own"}, "spec": {"secret": "s"}});
    let created = api.create(&format!("{path}/other"), certificate).await;
    assert_eq!(created["metadata"]["name"], "own");
    assert_eq!(asked(&api, Method::GET, &format!("{path}/other")).await.0, 404);
}
