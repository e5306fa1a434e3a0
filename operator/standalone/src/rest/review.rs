//! POST of the reviews by which a user asks about himself. Nothing is stored.

use http::{Response, StatusCode};
use jiff::Timestamp;
use schema::Resource;

use super::Call;
use crate::access::{ReviewError, identity_review, review_access, review_rules};
use crate::answer::{self, Body};
use crate::body;
use crate::status::{Cause, Failure, Result};

const OPTIONS: &str = "CreateOptions";

/// Whether objects of this kind are questions.
pub(super) fn is_review(resource: &Resource) -> bool {
    matches!(
        resource.kind.as_str(),
        "SelfSubjectAccessReview" | "SelfSubjectRulesReview" | "SelfSubjectReview"
    )
}

pub(super) fn create(call: &mut Call) -> Result<Response<Body>> {
    let validation = call.request.query.field_validation(OPTIONS)?;
    let resource = &call.request.resource;
    let manager = call.manager(OPTIONS)?;
    let review = body::object(resource, &call.content_type, &call.body, validation, &mut call.warnings)?;
    let answered = match resource.kind.as_str() {
        "SelfSubjectAccessReview" => review_access(&call.user, call.write(&manager).asked(review)),
        "SelfSubjectRulesReview" => review_rules(&call.user, review),
        _ => Ok(identity_review(&call.user, Timestamp::now())),
    };
    let answered = answered.map_err(|error| refusal(resource, &error))?;
    Ok(answer::value(StatusCode::CREATED, &answered))
}

fn refusal(resource: &Resource, error: &ReviewError) -> Failure {
    match error {
        ReviewError::Invalid { field, .. } => {
            let cause = Cause::new("FieldValueInvalid", field, error.to_string());
            // A real server leaves out the kind.
            Failure::invalid(&resource.group, "", "", &[cause])
        }
        ReviewError::NoNamespace => Failure::bad_request(error.to_string()),
    }
}
