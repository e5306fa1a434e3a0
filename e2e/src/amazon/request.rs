//! What a request asks for: a head and a body come in; the service, the action and its parameters go out.
//!
//! The service stands in the scope of the signature (SigV4). EC2, IAM and STS name the action in a form, Route 53 and S3 by
//! method and path.

mod s3;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use route53_double::action;

/// The parameters that tell nothing.
const FORM: [&str; 2] = ["Action", "Version"];

/// A service that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of AWS")]
pub enum Service {
    Ec2,
    Iam,
    Route53,
    S3,
    Sts,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Route53 => "route53",
            Self::S3 => "s3",
            Self::Sts => "sts",
        })
    }
}

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Request {
    /// Its method, path and headers, as they came.
    pub(super) head: Parts,
    /// Its body, as it came.
    pub(super) body: Bytes,
    /// Who is to carry it out.
    pub(super) service: Service,
    /// The name of the operation, such as `AllocateAddress`.
    pub(super) operation: String,
    /// Its parameters: those of the form, or the parts of the path.
    pub(super) parameters: BTreeMap<String, String>,
    /// The id of the key that it is signed with.
    pub(super) access_key: Option<String>,
}

impl Request {
    /// Takes a request apart.
    pub(super) fn read(head: Parts, body: Bytes) -> Self {
        let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        let (access_key, service) = scope(&head).unzip();
        let service = service.and_then(named).unwrap_or_else(|| unsigned(&head, &form));
        let access_key = access_key.map(str::to_owned);
        let (operation, parameters) = match service {
            Service::S3 => s3::operation(&head),
            Service::Route53 => route53(&head),
            Service::Ec2 | Service::Iam | Service::Sts => query(form),
        };
        Self { head, body, service, operation, parameters, access_key }
    }

    /// The action as a policy names it, such as `ec2:AllocateAddress`.
    pub(super) fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// A parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The values of a list: `GroupId.1`, `GroupId.2`, and so on.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let at = |number: usize| self.parameter(&format!("{name}.{number}"));
        (1..).map_while(at).collect()
    }
}

/// The id of the key and the service that a request is signed for: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn scope(head: &Parts) -> Option<(&str, &str)> {
    let header = head.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = header.split_once("Credential=")?;
    let mut parts = credential.split([',', ' ']).next()?.split('/');
    Some((parts.next()?, parts.nth(2)?))
}

fn named(service: &str) -> Option<Service> {
    match service {
        "ec2" => Some(Service::Ec2),
        "iam" => Some(Service::Iam),
        "route53" => Some(Service::Route53),
        "s3" => Some(Service::S3),
        "sts" => Some(Service::Sts),
        _ => None,
    }
}

/// Some calls of STS are not signed, and anonymous ones of S3.
fn unsigned(head: &Parts, form: &BTreeMap<String, String>) -> Service {
    match form.get("Version").map(String::as_str) {
        Some("2011-06-15") => Service::Sts,
        Some("2010-05-08") => Service::Iam,
        Some("2016-11-15") => Service::Ec2,
        _ if head.uri.path().starts_with("/2013-04-01/") => Service::Route53,
        _ => Service::S3,
    }
}

fn query(mut form: BTreeMap<String, String>) -> (String, BTreeMap<String, String>) {
    let operation = form.get("Action").cloned().unwrap_or_default();
    form.retain(|name, _| !FORM.contains(&name.as_str()));
    (operation, form)
}

fn route53(head: &Parts) -> (String, BTreeMap<String, String>) {
    let query = head.uri.query();
    let Some(request) = action::Request::route(&head.method, head.uri.path(), query, Bytes::new()) else {
        return (format!("{} {}", head.method, head.uri.path()), BTreeMap::new());
    };
    let mut parameters: BTreeMap<_, _> = request.query.into_iter().collect();
    if !request.id.is_empty() {
        parameters.insert("Id".to_owned(), request.id);
    }
    (request.action.to_string(), parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, path: &str, service: &str, body: &'static str) -> Request {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=AKIA1/20261122/eu-west-1/{service}/aws4_request, SignedHeaders=host"
        );
        let request = http::Request::builder().method(method).uri(path).header(AUTHORIZATION, scope);
        let (head, ()) = request.body(()).expect("it is a request").into_parts();
        Request::read(head, Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn a_form_names_the_action_and_its_lists() {
        let body =
            "Action=ModifyInstanceAttribute&Version=2016-11-15&InstanceId=i-1&GroupId.1=sg-1&GroupId.2=sg-2";
        let request = read("POST", "/", "ec2", body);
        assert_eq!(request.action(), "ec2:ModifyInstanceAttribute");
        assert_eq!(request.access_key.as_deref(), Some("AKIA1"));
        assert_eq!(request.list("GroupId"), ["sg-1", "sg-2"]);
        assert_eq!(request.parameter("Version"), None);
    }

    #[test]
    fn route_53_names_the_action_by_its_path() {
        let request = read("POST", "/2013-04-01/hostedzone/Z1/rrset", "route53", "<xml/>");
        assert_eq!(
            (request.action().as_str(), request.parameter("Id")),
            ("route53:ChangeResourceRecordSets", Some("Z1"))
        );
    }

    #[test]
    fn s3_names_the_action_by_its_method_and_path() {
        for (method, path, action) in [
            ("GET", "/", "s3:ListBuckets"),
            ("PUT", "/b", "s3:CreateBucket"),
            ("PUT", "/b?publicAccessBlock", "s3:PutPublicAccessBlock"),
            ("DELETE", "/b?lifecycle", "s3:DeleteBucketLifecycle"),
            ("GET", "/b/?list-type=2&prefix=x", "s3:ListObjectsV2"),
            ("POST", "/b?delete", "s3:DeleteObjects"),
            ("PUT", "/b/a/key?x-id=PutObject", "s3:PutObject"),
            ("PUT", "/b/key?partNumber=1&uploadId=u", "s3:UploadPart"),
            ("DELETE", "/b/key?uploadId=u", "s3:AbortMultipartUpload"),
        ] {
            assert_eq!(read(method, path, "s3", "").action(), action, "{method} {path}");
        }
        let request = read("GET", "/b/a/key", "s3", "");
        assert_eq!((request.parameter("Bucket"), request.parameter("Key")), (Some("b"), Some("a/key")));
    }

    #[test]
    fn a_call_of_sts_need_not_be_signed() {
        let request = http::Request::builder().method("POST").uri("/").body(()).expect("it is a request");
        let body = Bytes::from_static(b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
        assert_eq!(Request::read(request.into_parts().0, body).action(), "sts:AssumeRoleWithWebIdentity");
    }
}
