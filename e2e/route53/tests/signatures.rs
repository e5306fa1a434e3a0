//! What the signature of a request must tell.

use jiff::SignedDuration;
use route53_double::settings::{Settings, Signatures};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bed::{Bed, client, refused};

async fn bed(signatures: Signatures) -> Bed {
    Bed::with(Settings { signatures, ..Settings::instant() }).await
}

#[tokio::test]
async fn an_unknown_access_key_is_refused() {
    let bed = bed(Signatures { access_keys: vec!["AKIDEXAMPLE".to_owned()], ..Signatures::default() }).await;
    bed.client.list_hosted_zones().send().await.unwrap();
    let stranger = client(&bed.double.endpoint(), "AKIDSTRANGER");
    refused(&stranger.list_hosted_zones().send().await.unwrap_err())
        .is("InvalidClientTokenId", "security token");
}

#[tokio::test]
async fn another_region_is_refused() {
    let bed = bed(Signatures { region: Some("us-gov-west-1".to_owned()), ..Signatures::default() }).await;
    refused(&bed.client.list_hosted_zones().send().await.unwrap_err())
        .is("SignatureDoesNotMatch", "us-east-1");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_refused() {
    for (offset, problem) in [(0, None), (10, Some("expired")), (-10, Some("not yet current"))] {
        let clock = Some(SignedDuration::from_mins(offset));
        let bed = bed(Signatures { clock, ..Signatures::default() }).await;
        let answer = bed.client.list_hosted_zones().send().await;
        match problem {
            None => drop(answer.unwrap()),
            Some(problem) => refused(&answer.unwrap_err()).is("SignatureDoesNotMatch", problem),
        }
    }
}

/// The answer to a request that no SDK sends.
async fn raw(bed: &Bed, request_line: &str, headers: &str) -> String {
    let mut stream =
        TcpStream::connect(bed.double.endpoint().strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!("{request_line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_without_a_signature_is_refused() {
    let bed = Bed::new().await;
    let answer = raw(&bed, "GET /2013-04-01/hostedzone", "").await;
    assert!(
        answer.starts_with("HTTP/1.1 403 ") && answer.contains("<Code>MissingAuthenticationToken</Code>"),
        "{answer}"
    );
    let half = "authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/route53/aws4_request\r\n";
    let answer = raw(&bed, "GET /2013-04-01/hostedzone", half).await;
    assert!(answer.contains("<Code>IncompleteSignature</Code>"), "{answer}");
}

#[tokio::test]
async fn an_action_that_is_not_played_is_refused() {
    let answer = raw(&Bed::new().await, "GET /2013-04-01/trafficpolicies", "").await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("UnknownOperationException"), "{answer}");
}
