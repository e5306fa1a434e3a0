//! What a router does for one host name: its certificate and an action for each path.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Redirect;

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
    /// What happens with a request, by path: `/`, or whole segments between slashes such as `/api/v1/`. The deepest
    /// path whose segments all lead the request's path decides; a host without `/` answers 404 outside its paths.
    pub paths: BTreeMap<String, Action>,
}

/// What happens with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Action {
    /// It is sent to an endpoint of the service of this name.
    Forward {
        /// A key of `services`. A name that is not there answers 503.
        service: String,
    },
    /// It is answered with a redirect.
    Redirect(Redirect),
    /// It is answered with 503, because what should serve it cannot.
    Refuse {
        /// Why, in one sentence, for the person who reads the table. It is not sent to the client.
        reason: String,
    },
}
