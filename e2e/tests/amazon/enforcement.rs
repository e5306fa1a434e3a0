//! IAM, where it is enforced: a user may do what the policy says, with a key that is active.

use anyhow::Result;
use aws_sdk_iam::types::StatusType;
use aws_sdk_s3::primitives::ByteStream;
use e2e::Amazon;

use crate::amazon::{Clients, code};

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::own", "arn:aws:s3:::own/*"]
}]}"#;

#[tokio::test]
async fn a_user_may_do_what_the_policy_says_and_nothing_else() -> Result<()> {
    let amazon = Amazon::start().await?;
    let all = Clients::of(&amazon);
    for bucket in ["own", "foreign"] {
        all.s3.create_bucket().bucket(bucket).send().await?;
    }
    let key = amazon.account.user("app", POLICY).await?;
    let app = Clients::with_key(&amazon, &key);
    app.ec2.describe_addresses().send().await?;
    amazon.enforce_iam().await?;

    let put =
        |bucket| app.s3.put_object().bucket(bucket).key("a/b").body(ByteStream::from_static(b"x")).send();
    put("own").await?;
    app.s3.list_objects_v2().bucket("own").send().await?;
    let got = app.s3.get_object().bucket("own").key("a/b").send().await?;
    assert_eq!(got.body.collect().await?.to_vec(), b"x");
    assert_eq!(code(put("foreign").await)?, "AccessDenied");
    assert_eq!(code(app.s3.delete_object().bucket("own").key("a/b").send().await)?, "AccessDenied");
    assert_eq!(code(app.iam.list_users().send().await)?, "AccessDenied");
    assert_eq!(code(app.ec2.describe_addresses().send().await)?, "UnauthorizedOperation");
    all.ec2.describe_addresses().send().await?;
    amazon.account.addresses().await?;
    Ok(())
}

#[tokio::test]
async fn route_53_is_judged_by_action_too() -> Result<()> {
    let amazon = Amazon::start().await?;
    let zone = amazon.route53.create_zone("site.test")?;
    let policy = r#"{"Version": "2012-10-17", "Statement": {
        "Effect": "Allow",
        "Action": "route53:ListResourceRecordSets",
        "Resource": "arn:aws:route53:::hostedzone/*"
    }}"#;
    let key = amazon.account.user("reader", policy).await?;
    let reader = Clients::with_key(&amazon, &key).route53;
    amazon.enforce_iam().await?;
    let listed = reader.list_resource_record_sets().hosted_zone_id(&zone).send().await?;
    assert_eq!(listed.resource_record_sets().len(), 2); // its own NS and SOA: our double answers, not moto
    assert_eq!(code(reader.list_hosted_zones().send().await)?, "AccessDenied");
    let create = reader.create_hosted_zone().name("other.test").caller_reference("1").send().await;
    assert_eq!(code(create)?, "AccessDenied");
    let all = Clients::of(&amazon).route53;
    assert_eq!(all.list_hosted_zones().send().await?.hosted_zones().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_wrong_secret_is_a_wrong_signature() -> Result<()> {
    let amazon = Amazon::start().await?;
    amazon.enforce_iam().await?;
    let mut key = amazon.key().clone();
    key.secret.push('x');
    let wrong = Clients::with_key(&amazon, &key);
    assert_eq!(code(wrong.s3.list_buckets().send().await)?, "SignatureDoesNotMatch");
    assert_eq!(code(wrong.iam.list_users().send().await)?, "SignatureDoesNotMatch");
    assert_eq!(code(wrong.ec2.describe_addresses().send().await)?, "AuthFailure");
    Ok(())
}

#[tokio::test]
async fn an_inactive_key_signs_nothing_until_it_is_active_again() -> Result<()> {
    let amazon = Amazon::start().await?;
    let all = Clients::of(&amazon);
    all.s3.create_bucket().bucket("own").send().await?;
    let key = amazon.account.user("app", POLICY).await?;
    let app = Clients::with_key(&amazon, &key);
    amazon.enforce_iam().await?;
    let list = || app.s3.list_objects_v2().bucket("own").send();
    let set =
        |status| all.iam.update_access_key().user_name("app").access_key_id(&key.id).status(status).send();
    list().await?;
    set(StatusType::Inactive).await?;
    assert_eq!(code(list().await)?, "InvalidAccessKeyId");
    assert_eq!(code(app.ec2.describe_addresses().send().await)?, "AuthFailure");
    assert_eq!(code(app.iam.list_users().send().await)?, "InvalidClientTokenId");
    assert_eq!(code(app.route53.list_hosted_zones().send().await)?, "InvalidClientTokenId");
    set(StatusType::Active).await?;
    list().await?;
    Ok(())
}
