//! Answers that AWS gives instead of what was asked for: a code comes in, the document of the service's protocol goes out.
//!
//! The forms are those of "Error responses" in the references of EC2 (query-api), IAM, Route 53 and S3 (ErrorResponses).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::request::Service;

/// A whole answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: StatusCode,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The document.
    pub(super) body: Bytes,
}

impl Reply {
    /// A document.
    fn document(status: StatusCode, document: String) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/xml"))]);
        Self { status, headers, body: document.into() }
    }

    /// The error code; none if the answer is no error.
    pub(super) fn code(&self) -> Option<String> {
        if self.status.is_success() { None } else { self.element("Code") }
    }

    /// The text of the first element of this name.
    fn element(&self, name: &str) -> Option<String> {
        let text = std::str::from_utf8(&self.body).ok()?;
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }

    /// The same error in the form and the words of its service, where moto has one form for all.
    pub(super) fn in_the_form_of(self, service: Service) -> Self {
        let is_that_form = self.body.windows(24).any(|part| part == b"<ErrorResponse><Errors><");
        let (Some(code), true) = (self.code(), is_that_form) else { return self };
        let message = self.element("Message").unwrap_or_default();
        let code =
            if service == Service::Ec2 && code == "AccessDenied" { "UnauthorizedOperation" } else { &code };
        Self { status: self.status, ..Refusal::new(code, message).reply(service) }
    }

    /// An answer to an operation that lists, with nothing in it. What a document leaves out is empty.
    pub(super) fn empty_list(service: Service, operation: &str) -> Self {
        let end = "<IsTruncated>false</IsTruncated>";
        let document = match service {
            Service::Ec2 => format!("<{operation}Response><requestId>{ID}</requestId></{operation}Response>"),
            Service::Iam | Service::Sts => format!(
                "<{operation}Response><{operation}Result>{end}</{operation}Result></{operation}Response>"
            ),
            Service::Route53 => {
                format!("<{operation}Response>{end}<MaxItems>300</MaxItems></{operation}Response>")
            }
            Service::S3 => {
                let root = match operation {
                    "ListBuckets" => "ListAllMyBucketsResult",
                    "ListMultipartUploads" => "ListMultipartUploadsResult",
                    "ListObjectVersions" => "ListVersionsResult",
                    "ListParts" => "ListPartsResult",
                    _ => "ListBucketResult",
                };
                format!("<{root}>{end}</{root}>")
            }
        };
        Self::document(StatusCode::OK, document)
    }
}

/// The id of every request that is answered here.
const ID: &str = "00000000-0000-4000-8000-000000000000";

/// A request that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    /// A refusal with this code.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    /// One request too many, in the words of the service.
    pub(super) fn throttled(service: Service) -> Self {
        let code = match service {
            Service::Ec2 => "RequestLimitExceeded",
            Service::S3 => "SlowDown",
            Service::Iam | Service::Route53 | Service::Sts => "Throttling",
        };
        Self::new(code, "Rate exceeded")
    }

    /// The service's own fault, in its words.
    pub(super) fn server_error(service: Service) -> Self {
        let code = if service == Service::Iam { "ServiceFailure" } else { "InternalError" };
        Self::new(code, "An internal error has occurred")
    }

    /// The answer that says so.
    pub(super) fn reply(&self, service: Service) -> Reply {
        let Self { code, message } = self;
        let message = message.replace('&', "&amp;").replace('<', "&lt;");
        let error = format!("<Code>{code}</Code><Message>{message}</Message>");
        let document = match service {
            Service::Ec2 => format!(
                "<Response><Errors><Error>{error}</Error></Errors><RequestID>{ID}</RequestID></Response>"
            ),
            Service::S3 => format!("<Error>{error}<RequestId>{ID}</RequestId></Error>"),
            Service::Iam | Service::Route53 | Service::Sts => format!(
                "<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>{ID}</RequestId></ErrorResponse>"
            ),
        };
        Reply::document(status(service, code), document)
    }
}

/// The status that a code comes with.
fn status(service: Service, code: &str) -> StatusCode {
    match code {
        "AuthFailure" => StatusCode::UNAUTHORIZED,
        "ExpiredToken" if service == Service::S3 => StatusCode::BAD_REQUEST,
        "AccessDenied"
        | "ExpiredToken"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "OptInRequired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "UnauthorizedOperation" => StatusCode::FORBIDDEN,
        "NoSuchBucket" | "NoSuchEntity" | "NoSuchKey" | "NoSuchHostedZone" => StatusCode::NOT_FOUND,
        "BucketNotEmpty"
        | "DeleteConflict"
        | "EntityAlreadyExists"
        | "LimitExceeded"
        | "OperationAborted" => StatusCode::CONFLICT,
        "InternalError" | "InternalFailure" | "ServiceFailure" => StatusCode::INTERNAL_SERVER_ERROR,
        "RequestLimitExceeded" | "ServiceUnavailable" | "SlowDown" | "Unavailable" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::BAD_REQUEST,
    }
}
