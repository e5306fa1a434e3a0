//! The XML documents of the Route 53 API, version 2013-04-01.
//!
//! Elements are those of the request and response syntax of each action in the API reference. An element that the
//! double does not know is refused rather than overlooked: it would stand for something that is not played.

pub mod health;
pub mod records;
pub mod tags;
pub mod zones;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// A list, which XML wraps in an element of its own.
macro_rules! list {
    ($(#[$doc:meta])* $list:ident of $item:ty, $element:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $list {
            /// The items, in their order.
            #[serde(rename = $element, default)]
            pub items: Vec<$item>,
        }

        impl From<Vec<$item>> for $list {
            fn from(items: Vec<$item>) -> Self {
                Self { items }
            }
        }
    };
}
pub(crate) use list;

/// Reads the body of a request.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| Refusal::invalid_input(format!("Invalid XML ; {error}"));
    let text = std::str::from_utf8(body).map_err(|error| invalid(&error))?;
    quick_xml::de::from_str(text).map_err(|error| invalid(&error))
}

/// Prints a document with this root element.
pub fn write<T: Serialize>(root: &str, content: &T) -> String {
    let body =
        quick_xml::se::to_string_with_root(root, content).expect("the documents can be written as XML");
    let rest = body.strip_prefix(&format!("<{root}")).expect("the root comes first");
    format!("<?xml version=\"1.0\"?>\n<{root} xmlns=\"{NAMESPACE}\"{rest}")
}

/// The document of a refused request.
pub fn error(refusal: &Refusal, request_id: &str) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        r#type: &'static str,
        code: &'a str,
        message: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct ErrorResponse<'a> {
        error: Body<'a>,
        request_id: &'a str,
    }
    let r#type = if refusal.status < 500 { "Sender" } else { "Receiver" };
    let error = Body { r#type, code: &refusal.code, message: &refusal.message };
    write("ErrorResponse", &ErrorResponse { error, request_id })
}
