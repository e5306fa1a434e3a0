//! A role in the place of a user: Pods of service accounts take it on with their tokens, and there is no key at all.

use anyhow::{Context as _, Result, ensure};
use e2e::Site;
use serde_json::{Value, json};

use super::shop::{MANIFEST, ready, user};

const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/AB12";

fn manifest() -> String {
    let role = format!("{{role: {{providerARN: '{PROVIDER}', serviceAccounts: [web, worker]}}}}");
    format!("{MANIFEST}  credentials: {role}\n")
}

fn decoded(document: &str) -> Result<Value> {
    let field = format!("document={document}");
    let decoded = form_urlencoded::parse(field.as_bytes()).next().map(|(_, value)| value.into_owned());
    Ok(serde_json::from_str(&decoded.unwrap_or_default())?)
}

#[tokio::test]
async fn a_role_trusts_the_service_accounts_alone_and_no_key_is_ever_made() -> Result<()> {
    let (site, _) = Site::led(&manifest(), 0).await?;
    ready(&site).await?;
    let iam = &site.amazon.account.iam;
    let roles = iam.list_roles().send().await?.roles;
    let role = roles.iter().find(|role| role.role_name.starts_with("flynn-default-blobs-"));
    let role = role.context("there is no role")?;
    let trust = decoded(role.assume_role_policy_document().context("it trusts nobody")?)?;
    let expected = json!({
        "oidc.example.com/id/AB12:aud": "sts.amazonaws.com",
        "oidc.example.com/id/AB12:sub":
            ["system:serviceaccount:default:web", "system:serviceaccount:default:worker"],
    });
    ensure!(trust["Statement"][0]["Condition"]["StringEquals"] == expected, "{trust}");
    ensure!(trust["Statement"][0]["Principal"]["Federated"] == PROVIDER, "{trust}");
    ensure!(trust["Statement"][0]["Action"] == "sts:AssumeRoleWithWebIdentity", "{trust}");

    let policy =
        iam.get_role_policy().role_name(&role.role_name).policy_name("flynn-blobstore").send().await?;
    let policy = decoded(&policy.policy_document)?;
    let resources = json!(["arn:aws:s3:::acme-flynn-blobs", "arn:aws:s3:::acme-flynn-blobs/*"]);
    ensure!(policy["Statement"][0]["Resource"] == resources, "{policy}");
    ensure!(
        policy["Statement"][0]["Action"].as_array().is_some_and(|actions| actions.len() == 7),
        "{policy}"
    );

    let secret: Value =
        serde_json::from_str(&site.kubectl().ok(&["get", "secret/blobs", "-o", "json"]).await?)?;
    let entries = secret["data"].as_object().context("the Secret has entries")?;
    ensure!(entries.contains_key("AWS_ROLE_ARN"), "{:?}", entries.keys());
    ensure!(!entries.keys().any(|name| name.contains("ACCESS_KEY")), "{:?}", entries.keys());
    ensure!(user(&site).await.is_err(), "there is a user");
    let calls = site.amazon.proxy.calls_by_action();
    ensure!(!calls.contains_key("iam:CreateAccessKey"), "{calls:?}");
    let refused: Vec<_> =
        site.amazon.proxy.calls().into_iter().filter(|call| call.status == Some(403)).collect();
    ensure!(refused.is_empty(), "{refused:?}");
    Ok(())
}
