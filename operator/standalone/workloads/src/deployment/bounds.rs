//! How far a rollout may go above and below the replicas that are wanted.

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The limits of a Deployment in numbers of Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The Pods that are wanted.
    pub(super) replicas: i32,
    /// How many there may be beyond.
    pub(super) surge: i32,
    /// How many may be missing.
    pub(super) unavailable: i32,
    /// Whether old Pods make room one after the other, or all before the first new one.
    pub(super) rolling: bool,
}

impl Bounds {
    /// A share is rounded up for the surge and down for what may be missing; if both come to nothing, one may be
    /// missing, since nothing could ever move.
    pub(super) fn of(spec: &DeploymentSpec) -> Self {
        let replicas = spec.replicas.unwrap_or(1);
        let strategy = spec.strategy.as_ref();
        if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate") {
            return Self { replicas, surge: 0, unavailable: 0, rolling: false };
        }
        let limits = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let surge = limits.and_then(|limits| limits.max_surge.as_ref());
        let unavailable = limits.and_then(|limits| limits.max_unavailable.as_ref());
        let surge = surge.map_or(0, |share| scaled(share, replicas, Rounding::Up));
        let unavailable = match unavailable.map_or(0, |share| scaled(share, replicas, Rounding::Down)) {
            0 if surge == 0 => 1,
            some => some,
        };
        Self { replicas, surge, unavailable: unavailable.min(replicas), rolling: true }
    }

    /// The most Pods that there may be.
    pub(super) fn highest(&self) -> i32 {
        self.replicas.saturating_add(self.surge)
    }

    /// The fewest Pods that have to be available.
    pub(super) fn lowest(&self) -> i32 {
        self.replicas - self.unavailable
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Up,
    Down,
}

/// A number, or a percentage of `whole`.
fn scaled(share: &IntOrString, whole: i32, rounding: Rounding) -> i32 {
    let percent = match share {
        IntOrString::Int(number) => return *number,
        IntOrString::String(text) => text.strip_suffix('%').and_then(|number| number.parse::<i64>().ok()),
    };
    let hundredths = percent.unwrap_or(0) * i64::from(whole);
    let scaled = match rounding {
        Rounding::Up => (hundredths + 99).div_euclid(100),
        Rounding::Down => hundredths.div_euclid(100),
    };
    i32::try_from(scaled).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bounds(replicas: i32, surge: Value, unavailable: Value) -> (i32, i32) {
        let spec = json!({
            "replicas": replicas, "selector": {}, "template": {},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}
            }
        });
        let bounds = Bounds::of(&serde_json::from_value(spec).unwrap());
        (bounds.surge, bounds.unavailable)
    }

    #[test]
    fn a_share_is_rounded_up_for_the_surge_and_down_for_what_may_be_missing() {
        let table = [
            (1, json!("25%"), json!("25%"), (1, 0)),
            (2, json!("25%"), json!("25%"), (1, 0)),
            (4, json!("25%"), json!("25%"), (1, 1)),
            (10, json!("25%"), json!("25%"), (3, 2)),
            (3, json!("100%"), json!("0%"), (3, 0)),
            (5, json!(2), json!(1), (2, 1)),
            (0, json!("25%"), json!("25%"), (0, 0)),
            (3, json!(0), json!(9), (0, 3)),
        ];
        for (replicas, surge, unavailable, expected) in table {
            assert_eq!(
                bounds(replicas, surge.clone(), unavailable.clone()),
                expected,
                "{replicas} {surge} {unavailable}"
            );
        }
    }

    #[test]
    fn one_pod_may_be_missing_when_both_shares_come_to_nothing() {
        assert_eq!(bounds(3, json!("0%"), json!("10%")), (0, 1));
        assert_eq!(bounds(1, json!(0), json!("50%")), (0, 1));
    }

    #[test]
    fn recreate_has_neither_surge_nor_a_lowest_number() {
        let spec = json!({"replicas": 4, "selector": {}, "template": {}, "strategy": {"type": "Recreate"}});
        let bounds = Bounds::of(&serde_json::from_value(spec).unwrap());
        assert_eq!(bounds, Bounds { replicas: 4, surge: 0, unavailable: 0, rolling: false });
    }
}
