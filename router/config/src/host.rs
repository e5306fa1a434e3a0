//! What a router does for one host name: its certificate and an action for each path.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Forward, Redirect};

/// One host and everything below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Host {
    /// The certificate for this host: a key of `certificates`. Left out: the default certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Whether a plain HTTP request is sent to HTTPS (308), before any action. The paths below
    /// `/.well-known/acme-challenge/` (RFC 8555 section 8.3) are exempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub https_redirect: bool,
    /// Whether browsers are told to use nothing but HTTPS for this host. Sent on HTTPS only (RFC 6797 section 7.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hsts: Option<Hsts>,
    /// What happens with a request, by path: `/`, or whole segments between slashes such as `/api/v1/`. The deepest
    /// path whose segments all lead the request's path decides; a host without `/` answers 404 outside its paths.
    pub paths: BTreeMap<String, Action>,
}

/// `Strict-Transport-Security` (RFC 6797 section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Hsts {
    /// How long a browser remembers it, in seconds; 0 makes browsers forget.
    pub max_age_seconds: u32,
    /// Whether it is about the names below the host too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_subdomains: bool,
    /// Whether the host may be put on the lists that browsers are shipped with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preload: bool,
}

/// What happens with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Action {
    /// It is sent to an endpoint of the service of this name.
    Forward(Forward),
    /// It is answered with a redirect.
    Redirect(Redirect),
    /// It is answered with the router's own status, as at `/.well-known/status`.
    Status,
    /// It is answered with 503, because what should serve it cannot.
    Refuse {
        /// Why, in one sentence, for the person who reads the table. It is not sent to the client.
        reason: String,
    },
}
