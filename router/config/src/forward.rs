//! How requests are sent to a service.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests go to an endpoint of a service, by these rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Forward {
    /// A key of `services`. A name that is not there answers 503.
    pub service: String,
    /// Whether a client stays with the endpoint that it had first, by a cookie, as long as that endpoint is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticky: bool,
    /// Whether only the service's leader gets requests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leader: bool,
    /// Whether a connection to an endpoint is used for more than one request.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub keep_alive: bool,
    /// How long the endpoint may take until the head of its response (503), 1 to 86,400 seconds.
    #[serde(default = "Forward::default_response_seconds", skip_serializing_if = "is_ten_minutes")]
    pub response_seconds: u32,
    /// How long a client may rest while it sends a body (408) or takes a response, 1 to 86,400 seconds. An endpoint may
    /// be silent for as long as it likes once it has answered.
    #[serde(default = "Forward::default_idle_seconds", skip_serializing_if = "is_a_minute")]
    pub idle_seconds: u32,
    /// The least rate of a request's body, in bytes per second; a slower one is refused with 408. It is an average over half a
    /// minute or more, of the time in which the router waits for the client, so that a pause is no offence and the endpoint's
    /// slowness is not the client's. It holds until the endpoint answers: what client and endpoint send each other from then on
    /// has the pace that they like. gRPC (by its content type, to an endpoint of HTTP/2) and connections that have switched
    /// protocols have none at all. 0: no least rate, for endpoints that answer only when a long, slow stream has ended.
    #[serde(
        default = "Forward::default_min_body_bytes_per_second",
        skip_serializing_if = "is_the_usual_rate"
    )]
    pub min_body_bytes_per_second: u32,
    /// The largest request body, in bytes; a larger one is refused with 413. Left out: any size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body_bytes: Option<u64>,
    /// The networks that clients may come from, such as `10.0.0.0/8`; others are answered with 403. Empty: everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub clients: Vec<IpNet>,
}

impl Forward {
    /// To any endpoint of a service, with every rule left out.
    #[must_use]
    pub fn to(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            sticky: false,
            leader: false,
            keep_alive: true,
            response_seconds: Self::default_response_seconds(),
            idle_seconds: Self::default_idle_seconds(),
            min_body_bytes_per_second: Self::default_min_body_bytes_per_second(),
            max_body_bytes: None,
            clients: Vec::new(),
        }
    }

    /// Ten minutes, as in Flynn.
    #[must_use]
    pub fn default_response_seconds() -> u32 {
        600
    }

    /// A minute.
    #[must_use]
    pub fn default_idle_seconds() -> u32 {
        60
    }

    /// 240: a fifth of what a modem of 9,600 bit/s brought.
    #[must_use]
    pub fn default_min_body_bytes_per_second() -> u32 {
        240
    }
}

// serde gives references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_ten_minutes(seconds: &u32) -> bool {
    *seconds == Forward::default_response_seconds()
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_a_minute(seconds: &u32) -> bool {
    *seconds == Forward::default_idle_seconds()
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_the_usual_rate(rate: &u32) -> bool {
    *rate == Forward::default_min_body_bytes_per_second()
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_yes(value: &bool) -> bool {
    *value
}
