//! Access keys, against an endpoint that plays IAM; and that nobody but the caller gets to see a secret key.

use std::io::Write;
use std::sync::{Arc, Mutex};

use plan::aws::{AccessKeyId, Fault};
use tracing_subscriber::filter::LevelFilter;

use super::endpoint::{Reply, Request};
use super::principals::{iam, refusal, result};
use crate::SecretKey;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG";

fn made(request: &Request) -> Reply {
    let key = format!(
        "<AccessKey><UserName>n</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status>
         <SecretAccessKey>{SECRET}</SecretAccessKey><CreateDate>2026-11-22T12:00:00Z</CreateDate></AccessKey>"
    );
    result(request, &key)
}

/// Two keys, of which the second was used.
fn played(request: &Request) -> Reply {
    let key = |id: &str, status: &str| {
        format!(
            "<member><AccessKeyId>{id}</AccessKeyId><Status>{status}</Status>
             <CreateDate>2026-11-22T12:00:00Z</CreateDate></member>"
        )
    };
    match (request.action(), request.form.get("AccessKeyId").map(String::as_str)) {
        ("ListAccessKeys", _) => {
            let keys = key("AKIA1", "Active") + &key("AKIA2", "Inactive");
            result(
                request,
                &format!("<AccessKeyMetadata>{keys}</AccessKeyMetadata><IsTruncated>false</IsTruncated>"),
            )
        }
        ("GetAccessKeyLastUsed", Some("AKIA2")) => used(
            request,
            "<LastUsedDate>2026-11-22T13:30:00Z</LastUsedDate><Region>eu-west-1</Region><ServiceName>s3</ServiceName>",
        ),
        ("GetAccessKeyLastUsed", _) => used(request, "<Region>N/A</Region><ServiceName>N/A</ServiceName>"),
        other => panic!("nobody asks for {other:?}"),
    }
}

fn used(request: &Request, inside: &str) -> Reply {
    result(request, &format!("<UserName>n</UserName><AccessKeyLastUsed>{inside}</AccessKeyLastUsed>"))
}

#[tokio::test]
async fn every_key_is_listed_with_when_it_was_last_used() {
    let (_endpoint, account) = iam(played).await;
    let keys = account.principals.keys("n").await.unwrap();
    let told: Vec<_> =
        keys.iter().map(|key| (key.id.as_str(), key.active, key.last_used.is_some())).collect();
    assert_eq!(told, [("AKIA1", true, false), ("AKIA2", false, true)]);
    assert_eq!(keys[0].created.to_string(), "2026-11-22T12:00:00Z");
    assert_eq!(keys[1].last_used.unwrap().to_string(), "2026-11-22T13:30:00Z");
}

#[tokio::test]
async fn a_user_that_is_not_there_has_no_keys() {
    let (_endpoint, account) = iam(|_| refusal(404, "NoSuchEntity")).await;
    assert_eq!(account.principals.keys("n").await.unwrap(), []);
}

#[tokio::test]
async fn a_key_of_which_nobody_says_when_it_was_used_does_not_pass_for_unused() {
    let replies: [fn(&Request) -> Reply; 3] = [
        |_| refusal(404, "NoSuchEntity"),
        |_| refusal(403, "AccessDenied"),
        |request| result(request, "<UserName>n</UserName>"),
    ];
    for reply in replies {
        let (_endpoint, account) = iam(move |request| match request.action() {
            "GetAccessKeyLastUsed" => reply(request),
            _ => played(request),
        })
        .await;
        let failure = account.principals.keys("n").await.unwrap_err();
        assert_eq!(failure.call, "iam:GetAccessKeyLastUsed");
    }
}

#[tokio::test]
async fn a_list_of_keys_that_was_cut_off_is_no_list() {
    let (_endpoint, account) = iam(|request| {
        let (status, text) = played(request)?;
        Some((status, text.split("<member><AccessKeyId>AKIA2").next()?.to_owned()))
    })
    .await;
    assert_eq!(account.principals.keys("n").await.unwrap_err().fault, Fault::Server);
}

#[tokio::test]
async fn a_new_key_comes_with_its_secret() {
    let (endpoint, account) = iam(made).await;
    let key = account.principals.create_key("n").await.unwrap();
    assert_eq!((key.id.as_str(), key.secret.expose()), ("AKIA1", SECRET));
    assert_eq!(endpoint.requests()[0].form["UserName"], "n");
}

#[tokio::test]
async fn the_creation_of_a_key_is_sent_once_whatever_comes_of_it() {
    let replies: [(fn() -> Reply, Fault); 3] = [
        (|| None, Fault::Unreachable),
        (|| refusal(500, "ServiceFailure"), Fault::Server),
        (|| refusal(400, "Throttling"), Fault::Throttled),
    ];
    for (reply, fault) in replies {
        let (endpoint, account) = iam(move |_| reply()).await;
        assert_eq!(account.principals.create_key("n").await.unwrap_err().fault, fault);
        assert_eq!(endpoint.actions(), ["CreateAccessKey"]);
    }
}

#[tokio::test]
async fn a_user_with_two_keys_gets_no_third() {
    let (_endpoint, account) = iam(|_| refusal(409, "LimitExceeded")).await;
    assert_eq!(account.principals.create_key("n").await.unwrap_err().fault, Fault::Quota);
}

#[tokio::test]
async fn a_key_is_deactivated_if_it_is_there_and_deleted_if_it_is_gone() {
    let (endpoint, account) = iam(|request| result(request, "")).await;
    let key = AccessKeyId::new("AKIA1");
    account.principals.deactivate_key("n", &key).await.unwrap();
    let form = &endpoint.requests()[0].form;
    assert_eq!((form["Action"].as_str(), form["Status"].as_str()), ("UpdateAccessKey", "Inactive"));
    assert_eq!((form["AccessKeyId"].as_str(), form["UserName"].as_str()), ("AKIA1", "n"));
    account.principals.delete_key("n", &key).await.unwrap();
    assert_eq!(endpoint.requests()[1].form["AccessKeyId"], "AKIA1");

    let (_endpoint, account) = iam(|_| refusal(404, "NoSuchEntity")).await;
    assert_eq!(account.principals.deactivate_key("n", &key).await.unwrap_err().fault, Fault::NotFound);
    account.principals.delete_key("n", &key).await.unwrap();
}

#[test]
fn a_secret_key_cannot_be_printed() {
    assert_eq!(format!("{:?}", SecretKey::new(SECRET)), "SecretKey");
}

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_secret_key_is_in_no_line_of_any_level_and_in_no_failure() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());
    let (_endpoint, account) = iam(made).await;
    let key = account.principals.create_key("n").await.unwrap();
    let mut told = format!("{key:?}");
    for cut in ["</AccessKey>", "<CreateDate>", "</CreateAccessKeyResponse>"] {
        let (_endpoint, account) = iam(move |request| {
            let (status, text) = made(request)?;
            Some((status, text.split(cut).next()?.to_owned()))
        })
        .await;
        let failure = account.principals.create_key("n").await.unwrap_err();
        assert_eq!(failure.fault, Fault::Server, "{cut}");
        told += &format!("{failure:?} {failure}");
    }
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("CreateAccessKey"), "the lines are those of the call");
    assert!(!logged.contains(SECRET) && !told.contains(SECRET), "{logged} {told}");
}
