//! Buckets.
//!
//! | rule | page |
//! |---|---|
//! | the answer about versioning is called `VersioningConfiguration` | `docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html` |
//! | a list of parts is called `ListPartsResult` | `docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html` |

use http::header::CONTENT_LENGTH;

use crate::amazon::refusal::Reply;

/// What moto calls two answers, and S3.
const NAMES: [(&str, &str); 2] =
    [("GetBucketVersioningResponse", "VersioningConfiguration"), ("ListPartsResponse", "ListPartsResult")];

/// Gives an answer the name that S3 gives it. What is no such document stays as it is.
pub(super) fn named(mut reply: Reply) -> Reply {
    let body = String::from_utf8_lossy(&reply.body);
    let wrong = NAMES.iter().find(|(wrong, _)| body.contains(&format!("<{wrong} xmlns=")));
    if let Some((wrong, right)) = wrong {
        reply.body = body.replace(wrong, right).into();
        reply.headers.remove(CONTENT_LENGTH);
    }
    reply
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    #[test]
    fn an_answer_about_versioning_has_the_name_that_a_client_looks_for() {
        let body = r#"<GetBucketVersioningResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>"#;
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from(body.len()))]);
        let reply = named(Reply { status: StatusCode::OK, headers, body: body.into() });
        assert_eq!(
            reply.body,
            r#"<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>"#
        );
        assert!(reply.headers.is_empty());
    }
}
