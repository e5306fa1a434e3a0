//! Why something failed, in the words of the one who knows: the API server's message, or the innermost cause.

use kube::error::Status;

/// The innermost cause of an error, which is the one that names the trouble ("Connection refused").
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let boxed = cause.downcast_ref::<Box<Status>>().map(AsRef::as_ref);
    match cause.downcast_ref::<Status>().or(boxed) {
        Some(status) => of_status(status),
        None => cause.to_string(),
    }
}

/// What the API server says for people; its reason or code if it says nothing.
pub(crate) fn of_status(status: &Status) -> String {
    match (status.message.as_str(), status.reason.as_str()) {
        ("", "") => format!("status {}", status.code),
        ("", reason) => reason.to_owned(),
        (message, _) => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_cause_is_told_once() {
        let status = Status::failure("routes.flynn.io \"a\" not found", "NotFound").with_code(404);
        let error = kube::Error::Api(status.boxed());
        assert_eq!(root_cause(&error), "routes.flynn.io \"a\" not found");
    }

    #[test]
    fn a_status_without_a_message_is_told_by_its_reason_or_code() {
        assert_eq!(of_status(&Status::failure("", "Timeout")), "Timeout");
        assert_eq!(of_status(&Status::failure("", "").with_code(500)), "status 500");
    }
}
