//! The rules of a Certificate, and of the RouterNode that only nodes write.

use anyhow::Result;

use super::{accepted, refused};

#[tokio::test]
async fn admit_a_certificate_that_names_a_secret_or_is_self_signed() -> Result<()> {
    accepted("Certificate", "{secret: site-wildcard-tls}").await?;
    accepted("Certificate", "{selfSigned: {dnsNames: [site.com, '*.site.com']}}").await?;
    accepted("RouterNode", "{}").await
}

#[tokio::test]
async fn admit_no_certificate_from_nowhere_or_from_two_sources() -> Result<()> {
    let either =
        "spec: Invalid value: name either a secret, or the names that a selfSigned certificate covers";
    refused("Certificate", "{}", either).await?;
    refused("Certificate", "{secret: a, selfSigned: {dnsNames: [a.com]}}", either).await?;
    refused(
        "Certificate",
        "{selfSigned: {dnsNames: []}}",
        "spec.selfSigned.dnsNames: Invalid value: 0: spec.selfSigned.dnsNames in body should have at least 1 items",
    )
    .await?;
    let host = "spec.selfSigned.dnsNames: Invalid value: a name is a host such as site.com, or a wildcard such as *.site.com, in lower case";
    refused("Certificate", "{selfSigned: {dnsNames: ['https://a.com']}}", host).await?;
    refused("Certificate", "{selfSigned: {dnsNames: ['a.*.com']}}", host).await?;
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
