//! The rules of a Certificate, and of the RouterNode that only nodes write.

use anyhow::Result;

use super::{accepted, refused};

#[tokio::test]
async fn admit_a_certificate_that_names_a_secret() -> Result<()> {
    accepted("Certificate", "{secret: site-wildcard-tls}").await?;
    accepted("RouterNode", "{}").await
}

#[tokio::test]
async fn admit_no_certificate_without_a_secret() -> Result<()> {
    refused("Certificate", "{}", "spec.secret: Required value").await?;
    let empty = r#"spec.secret: Invalid value: "": spec.secret in body should be at least 1 chars long"#;
    refused("Certificate", "{secret: ''}", empty).await?;
    let long = format!("{{secret: {}}}", "a".repeat(254));
    refused("Certificate", &long, "spec.secret: Too long: may not be more than 253 bytes").await
}

#[tokio::test]
async fn admit_no_unknown_field_in_a_certificate() -> Result<()> {
    let sentence = r#"Error from server (BadRequest): error when creating "STDIN": Certificate in version "v1alpha1" cannot be handled as a Certificate: strict decoding error: unknown field "spec.secretName""#;
    refused("Certificate", "{secret: a, secretName: a}", sentence).await
}
