//! Why a patch cannot be done, by the status that the API answers.

/// A patch that is refused. The message is the `message` of the API's Status, to the letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The patch itself is malformed: 400, reason `BadRequest`.
    #[error("{0}")]
    BadRequest(String),
    /// The patch does not fit this object: 422, reason `Invalid`, empty details.
    #[error("{0}")]
    Unprocessable(String),
    /// The patch has too many operations: 413, reason `RequestEntityTooLarge`.
    #[error("{0}")]
    TooLarge(String),
    /// What a real server answers as its own error: 500 without a reason.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A patch that does not fit, whatever the reason: a real server does not tell it.
    pub(crate) fn rejected() -> Self {
        Self::Unprocessable("the server rejected our request due to an error in our request".to_owned())
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Unprocessable(_) => 422,
            Self::TooLarge(_) => 413,
            Self::Internal(_) => 500,
        }
    }
}
