//! The signature of a request (SigV4): looked at, never verified.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/APIReference/CommonErrors.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>: no signature is
//! `MissingAuthenticationToken`, half a signature `IncompleteSignature`, an unknown access key
//! `InvalidClientTokenId`, and a time more than five minutes off or another region `SignatureDoesNotMatch`.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use crate::refusal::Refusal;
use crate::settings::Signatures;

const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Whether the request is signed as the settings ask.
pub fn check(headers: &HeaderMap, settings: &Signatures) -> Result<(), Refusal> {
    let missing = || Refusal::new(403, "MissingAuthenticationToken", "Missing Authentication Token");
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
    let (access_key, region) = credential(header)?;
    if !settings.access_keys.is_empty() && !settings.access_keys.iter().any(|key| key == access_key) {
        let message = "The security token included in the request is invalid.";
        return Err(Refusal::new(403, "InvalidClientTokenId", message));
    }
    if settings.region.as_ref().is_some_and(|wanted| wanted != region) {
        return Err(mismatch(format!("Credential should be scoped to a valid region, not '{region}'.")));
    }
    settings.clock.map_or(Ok(()), |offset| in_time(headers, Timestamp::now() + offset))
}

/// The access key and the region that the request is signed with.
fn credential(header: &str) -> Result<(&str, &str), Refusal> {
    let incomplete =
        || Refusal::new(403, "IncompleteSignature", "Authorization header requires 'Credential' parameter.");
    let parameters = header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(incomplete)?;
    let find = |name| parameters.split(',').find_map(|part| part.trim().strip_prefix(name));
    find("SignedHeaders=").ok_or_else(incomplete)?;
    find("Signature=").ok_or_else(incomplete)?;
    let scope: Vec<_> = find("Credential=").ok_or_else(incomplete)?.split('/').collect();
    match scope[..] {
        [access_key, _date, region, "route53", "aws4_request"] => Ok((access_key, region)),
        _ => Err(mismatch("Credential should be scoped to correct service: 'route53'.".to_owned())),
    }
}

fn in_time(headers: &HeaderMap, now: Timestamp) -> Result<(), Refusal> {
    let text = headers.get("x-amz-date").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = DateTime::strptime("%Y%m%dT%H%M%SZ", text)
        .and_then(|time| time.to_zoned(TimeZone::UTC))
        .map_err(|_| Refusal::new(403, "IncompleteSignature", "Date must be in ISO-8601 'basic format'."))?
        .timestamp();
    match now.duration_since(signed) {
        late if late > TOLERANCE => {
            Err(mismatch(format!("Signature expired: {signed} is now earlier than {}", now - TOLERANCE)))
        }
        early if early < -TOLERANCE => Err(mismatch(format!(
            "Signature not yet current: {signed} is still later than {}",
            now + TOLERANCE
        ))),
        _ => Ok(()),
    }
}

fn mismatch(message: String) -> Refusal {
    Refusal::new(403, "SignatureDoesNotMatch", message)
}
