//! The control endpoint: what tests in other processes order and ask, as JSON below `/_control/`.
//!
//! | request | meaning |
//! |---|---|
//! | `POST faults` `{"action": "GetChange", "times": 2, "fault": "throttle"}` | the next calls fail so, see [`Order`] |
//! | `DELETE faults` | no more faults |
//! | `POST health` `{"address": "192.0.2.1", "healthy": false}` | what checkers see of an address |
//! | `POST sync` | all changes are in sync |
//! | `GET calls`, `DELETE calls` | the calls so far; forget them |

use std::net::IpAddr;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::double::Double;
use crate::fault::Order;

#[derive(Deserialize)]
struct Health {
    address: IpAddr,
    healthy: bool,
}

/// Carries out a request to the control endpoint and returns a status and a JSON document.
pub(crate) fn handle(double: &Double, method: &Method, path: &str, body: &[u8]) -> (u16, String) {
    let answer = match (method.as_str(), path) {
        ("POST", "faults") => order(double, body),
        ("POST", "health") => play_health(double, body),
        ("GET", "calls") => Ok(json!(double.world().calls)),
        _ => match forget_or_sync(double, method, path) {
            Some(()) => Ok(json!({})),
            None => return (404, json!({ "error": "no such command" }).to_string()),
        },
    };
    match answer {
        Ok(answer) => (200, answer.to_string()),
        Err(error) => (400, json!({ "error": error.to_string() }).to_string()),
    }
}

fn order(double: &Double, body: &[u8]) -> serde_json::Result<Value> {
    let order: Order = serde_json::from_slice(body)?;
    double.world().faults.add(order);
    Ok(json!({}))
}

fn play_health(double: &Double, body: &[u8]) -> serde_json::Result<Value> {
    let Health { address, healthy } = serde_json::from_slice(body)?;
    double.play_health(address, healthy);
    Ok(json!({}))
}

/// The commands that say nothing more; none if this is not one of them.
fn forget_or_sync(double: &Double, method: &Method, path: &str) -> Option<()> {
    let mut world = double.world();
    match (method.as_str(), path) {
        ("DELETE", "faults") => world.faults.clear(),
        ("DELETE", "calls") => world.calls.clear(),
        ("POST", "sync") => world.account.sync(),
        _ => return None,
    }
    Some(())
}
