//! What people tell certificates apart by.

use aws_lc_rs::digest::{SHA256, digest};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A certificate that clients are shown. Nothing in it is secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSeen {
    /// The names that it is for.
    pub names: Vec<String>,
    /// When it ends, as in `2026-12-31T23:59:59Z`.
    pub not_after: String,
    /// The SHA-256 of its DER form, in hexadecimal.
    pub sha256: String,
}

impl CertificateSeen {
    pub(crate) fn of(certificate: &CertifiedKey) -> Self {
        // A certificate without a leaf was refused when the table was compiled, and so was one that cannot be read.
        let leaf = certificate.cert.first().map_or(&[][..], |leaf| leaf);
        let sha256 = digest(&SHA256, leaf).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let Ok((_, parsed)) = X509Certificate::from_der(leaf) else {
            return Self { sha256, ..Self::default() };
        };
        let end = parsed.validity().not_after.to_datetime();
        let (date, time) = (end.date(), end.time());
        let not_after = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
        Self { names: names(&parsed), not_after, sha256 }
    }
}

/// The names of the subject's alternatives; a client looks at no others (RFC 9525 section 6.1).
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.iter().flat_map(|names| &names.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match **bytes {
                [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
                _ => {
                    <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
                }
            },
            _ => None,
        })
        .collect()
}
