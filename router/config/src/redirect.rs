//! A redirect, in the parts of a URL: what is left out is kept from the request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a request is redirected to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Redirect {
    /// Left out: the scheme of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// A host name without a port. Left out: the host of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// 1 to 65535. Left out: the port that the router itself serves the target's scheme on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// An absolute path that replaces the path and the query of the request. Left out: both are kept, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Left out: 308.
    #[serde(default)]
    pub code: RedirectCode,
}

/// The scheme of a redirect's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTPS.
    Https,
}

/// The status code of a redirect (RFC 9110 section 15.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(with = "u16")]
pub enum RedirectCode {
    /// 301: permanent, and a client may turn POST into GET.
    MovedPermanently,
    /// 302: temporary, and a client may turn POST into GET.
    Found,
    /// 307: temporary, the method stays.
    TemporaryRedirect,
    /// 308: permanent, the method stays.
    #[default]
    PermanentRedirect,
}

impl TryFrom<u16> for RedirectCode {
    type Error = String;

    fn try_from(code: u16) -> Result<Self, Self::Error> {
        match code {
            301 => Ok(Self::MovedPermanently),
            302 => Ok(Self::Found),
            307 => Ok(Self::TemporaryRedirect),
            308 => Ok(Self::PermanentRedirect),
            other => Err(format!("{other} is not a redirect code: use 301, 302, 307 or 308")),
        }
    }
}

impl From<RedirectCode> for u16 {
    fn from(code: RedirectCode) -> Self {
        match code {
            RedirectCode::MovedPermanently => 301,
            RedirectCode::Found => 302,
            RedirectCode::TemporaryRedirect => 307,
            RedirectCode::PermanentRedirect => 308,
        }
    }
}
