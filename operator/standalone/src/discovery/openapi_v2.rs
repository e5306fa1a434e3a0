//! `/openapi/v2`, which describes no kind: that is done by OpenAPI v3.
//!
//! kubectl validates in v2 what v3 does not know: a `kind: List`, and kinds that are not served. It leaves kinds that it
//! finds nowhere to the server, which validates every object, but refuses to go on without any document.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::{Answer, Body, Question, form};

/// The protocol buffers of OpenAPI v2, as they are asked for and as they are sent.
const ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const SENT: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

const SWAGGER: &str = "2.0";
const TITLE: &str = "Kubernetes";
const VERSION: &str = "1.36";
const DESCRIPTION: &str = "The kinds are described in OpenAPI v3, see /openapi/v3.";

/// The document in the first form in the header that we have; none if there is none.
pub(super) fn answer(question: &Question) -> Option<Answer> {
    let mut accepted = question.accept.unwrap_or("*/*").split(',').map(str::trim);
    let mut answer = accepted.find_map(|range| {
        if range.split(';').next() == Some(ASKED) {
            Some(binary())
        } else {
            form(Some(range)).map(|_| text())
        }
    })?;
    answer.headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Some(answer)
}

fn text() -> Answer {
    let info = json!({"title": TITLE, "version": VERSION, "description": DESCRIPTION});
    Answer::object(json!({"swagger": SWAGGER, "info": info, "paths": {}}))
}

fn binary() -> Answer {
    let info = [field(1, TITLE.as_bytes()), field(2, VERSION.as_bytes()), field(3, DESCRIPTION.as_bytes())];
    let document = [field(1, SWAGGER.as_bytes()), field(2, &info.concat()), field(8, &[])];
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(SENT))]);
    Answer { status: StatusCode::OK, headers, body: Body::Text(document.concat().into()) }
}

/// A field of a message: its number with the wire type of what has a length, that length, and the bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).ok().filter(u8::is_ascii).expect("the document is short");
    [&[number << 3 | 2, length], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(accept: Option<&str>) -> Option<Answer> {
        answer(&Question { path: "/openapi/v2", accept, ..Question::default() })
    }

    #[test]
    fn it_is_sent_in_the_form_that_is_asked_for() {
        let type_of =
            |accept| ask(accept).unwrap().headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert_eq!(type_of(Some(ASKED)), SENT);
        assert_eq!(type_of(Some("text/plain, application/json")), "application/json");
        assert_eq!(type_of(None), "application/json");
        assert!(ask(Some("text/plain")).is_none());
    }

    #[test]
    fn the_binary_form_says_what_the_text_says() {
        let Body::Text(bytes) = ask(Some(ASKED)).unwrap().body else { panic!("not bytes") };
        assert!(bytes.starts_with(b"\x0a\x032.0\x12"));
        assert_eq!(usize::from(bytes[6]), bytes.len() - 9);
        assert!(bytes.ends_with(b"see /openapi/v3.\x42\x00"));
    }
}
