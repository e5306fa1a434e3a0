//! What the controllers ask of a Pod.

use k8s_openapi::api::core::v1::{Pod, PodCondition};

/// Whether it has ended for good.
pub(crate) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether it can serve.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    ready_condition(pod).is_some_and(|condition| condition.status == "True")
}

/// What it says of its readiness.
pub(crate) fn ready_condition(pod: &Pod) -> Option<&PodCondition> {
    let status = pod.status.as_ref()?;
    status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready")
}
