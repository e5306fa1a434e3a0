//! Faults on order, and the log of calls.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::error::SdkError;
use e2e::amazon::Fault;
use e2e::{Amazon, eventually};
use tokio::time::timeout;

use crate::amazon::{Clients, WAIT, allocate, code};

#[tokio::test]
async fn a_call_is_throttled_in_the_words_of_its_service() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    amazon.proxy.order("*", 4, Fault::Throttle);
    let refused = clients.ec2.describe_addresses().send().await.expect_err("it is throttled");
    let status = refused.raw_response().context("there is an answer")?.status().as_u16();
    assert_eq!((status, code::<(), _>(Err(refused))?.as_str()), (503, "RequestLimitExceeded"));
    assert_eq!(code(clients.s3.list_buckets().send().await)?, "SlowDown");
    assert_eq!(code(clients.iam.list_users().send().await)?, "Throttling");
    assert_eq!(code(clients.route53.list_hosted_zones().send().await)?, "Throttling");
    clients.ec2.describe_addresses().send().await?;
    assert_eq!(amazon.proxy.faults_left(), 0);
    Ok(())
}

#[tokio::test]
async fn any_code_can_be_ordered_for_an_action_and_no_other_meets_it() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    for (code_of_it, status) in [
        ("AddressLimitExceeded", 400),
        ("UnauthorizedOperation", 403),
        ("AuthFailure", 401),
        ("ExpiredToken", 403),
        ("SignatureDoesNotMatch", 403),
    ] {
        amazon.proxy.order("ec2:AllocateAddress", 1, Fault::deny(code_of_it));
        clients.ec2.describe_addresses().send().await?;
        let refused = clients.ec2.allocate_address().send().await.expect_err("it is denied");
        let got = refused.raw_response().context("there is an answer")?.status().as_u16();
        assert_eq!((got, code::<(), _>(Err(refused))?.as_str()), (status, code_of_it));
    }
    amazon.proxy.order("iam:*", 1, Fault::ServerError);
    assert_eq!(code(clients.iam.list_users().send().await)?, "ServiceFailure");
    assert!(amazon.account.addresses().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_and_the_sdks_own_retry_make_two_addresses() -> Result<()> {
    let amazon = Amazon::start().await?;
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let sdk = amazon.sdk(amazon.key()).into_builder().retry_config(retries).build();
    amazon.proxy.order("ec2:AllocateAddress", 1, Fault::LoseReply);
    allocate(&aws_sdk_ec2::Client::new(&sdk)).await?;
    assert_eq!(amazon.account.addresses().await?.len(), 2);
    let calls = amazon.proxy.calls();
    assert_eq!(
        calls.iter().map(|call| (call.status, call.answered)).collect::<Vec<_>>(),
        [(Some(200), false), (Some(200), true)]
    );
    Ok(())
}

#[tokio::test]
async fn a_dropped_call_changes_nothing() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    amazon.proxy.order("ec2:AllocateAddress", 1, Fault::Drop);
    let dropped = clients.ec2.allocate_address().send().await.expect_err("there is no answer");
    ensure!(matches!(dropped, SdkError::DispatchFailure(_)), "{dropped:?}");
    assert!(amazon.account.addresses().await?.is_empty());
    assert_eq!(amazon.proxy.calls()[0].status, None);
    Ok(())
}

#[tokio::test]
async fn a_delayed_call_is_carried_out_though_its_client_gave_up() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    amazon.proxy.order("ec2:AllocateAddress", 1, Fault::Delay(Duration::from_millis(100)));
    let begun = eventually("the call has come", WAIT, || async {
        ensure!(amazon.proxy.faults_left() == 0, "it has not");
        Ok(())
    });
    tokio::select! {
        biased;
        begun = begun => begun?,
        made = allocate(&clients.ec2) => anyhow::bail!("it was not delayed: {made:?}"),
    }
    eventually("it is carried out", WAIT, || async {
        ensure!(amazon.account.addresses().await?.len() == 1, "there is no address");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_request_that_is_held_is_carried_out_when_it_is_released() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    amazon.proxy.order("ec2:AllocateAddress", 1, Fault::HoldRequest);
    let release = async {
        timeout(WAIT, amazon.proxy.held(1)).await.context("the call is not held")?;
        let meanwhile = amazon.account.addresses().await?.len();
        amazon.proxy.release();
        anyhow::Ok(meanwhile)
    };
    let (made, meanwhile) = tokio::join!(allocate(&clients.ec2), release);
    made?;
    assert_eq!((meanwhile?, amazon.account.addresses().await?.len()), (0, 1));
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_held_is_never_carried_out_once_its_client_is_gone() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    amazon.proxy.order("ec2:AllocateAddress", 1, Fault::HoldRequest);
    tokio::select! {
        held = timeout(WAIT, amazon.proxy.held(1)) => held.context("the call is not held")?,
        made = allocate(&clients.ec2) => anyhow::bail!("it was not held: {made:?}"),
    }
    drop(clients);
    timeout(WAIT, amazon.proxy.none_held())
        .await
        .context("the proxy does not see that its client is gone")?;
    amazon.proxy.release();
    assert!(amazon.account.addresses().await?.is_empty());
    assert_eq!(amazon.proxy.calls()[0].status, None);
    Ok(())
}

#[tokio::test]
async fn a_reply_that_is_held_is_to_a_request_that_is_carried_out() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    amazon.proxy.order("ec2:AllocateAddress", 1, Fault::HoldReply);
    tokio::select! {
        held = timeout(WAIT, amazon.proxy.held(1)) => held.context("the call is not held")?,
        made = allocate(&clients.ec2) => anyhow::bail!("it was not held: {made:?}"),
    }
    assert_eq!(amazon.account.addresses().await?.len(), 1);
    let call = &amazon.proxy.calls()[0];
    assert_eq!((call.status, call.answered), (Some(200), false));
    Ok(())
}

#[tokio::test]
async fn a_list_can_come_back_empty() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    let zone = amazon.route53.create_zone("site.test")?;
    allocate(&clients.ec2).await?;
    clients.s3.create_bucket().bucket("held").send().await?;
    amazon.proxy.order("*", 6, Fault::EmptyList);
    assert!(clients.ec2.describe_addresses().send().await?.addresses().is_empty());
    assert!(clients.iam.list_users().send().await?.users().is_empty());
    assert!(clients.s3.list_buckets().send().await?.buckets().is_empty());
    assert!(clients.route53.list_hosted_zones().send().await?.hosted_zones().is_empty());
    let sets = clients.route53.list_resource_record_sets().hosted_zone_id(&zone).send().await?;
    assert!(sets.resource_record_sets().is_empty() && !sets.is_truncated);
    assert!(clients.route53.list_health_checks().send().await?.health_checks().is_empty());
    assert_eq!(clients.ec2.describe_addresses().send().await?.addresses().len(), 1);
    Ok(())
}

#[tokio::test]
async fn everything_can_be_down_and_come_back() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    clients.ec2.describe_addresses().send().await?;
    amazon.proxy.set_down(true);
    for _ in 0..2 {
        let failed = clients.ec2.describe_addresses().send().await.expect_err("it is down");
        ensure!(matches!(failed, SdkError::DispatchFailure(_)), "{failed:?}");
    }
    let failed = clients.route53.list_hosted_zones().send().await.expect_err("it is down");
    ensure!(matches!(failed, aws_sdk_route53::error::SdkError::DispatchFailure(_)), "{failed:?}");
    amazon.proxy.set_down(false);
    clients.ec2.describe_addresses().send().await?;
    clients.route53.list_hosted_zones().send().await?;
    Ok(())
}

#[tokio::test]
async fn calls_of_all_services_are_in_one_log_in_their_order() -> Result<()> {
    let amazon = Amazon::start().await?;
    let clients = Clients::of(&amazon);
    let zone = amazon.route53.create_zone("site.test")?;
    clients.route53.list_resource_record_sets().hosted_zone_id(&zone).send().await?;
    let allocation = allocate(&clients.ec2).await?;
    clients.ec2.release_address().allocation_id(&allocation).send().await?;
    clients.ec2.release_address().allocation_id(&allocation).send().await.expect_err("it is gone");
    clients.s3.create_bucket().bucket("held").send().await?;
    let calls = amazon.proxy.calls();
    let names: Vec<_> = calls.iter().map(|call| call.action.as_str()).collect();
    let expected = [
        "route53:ListResourceRecordSets",
        "ec2:AllocateAddress",
        "ec2:ReleaseAddress",
        "ec2:ReleaseAddress",
        "s3:CreateBucket",
    ];
    assert_eq!(names, expected);
    assert_eq!((calls[0].parameter("Id"), calls[4].parameter("Bucket")), (zone.as_str(), "held"));
    assert_eq!(calls[2].parameter("AllocationId"), allocation);
    assert_eq!(
        (calls[2].code.as_deref(), calls[3].code.as_deref()),
        (None, Some("InvalidAllocationID.NotFound"))
    );
    let counts = [
        ("ec2:AllocateAddress", 1),
        ("ec2:ReleaseAddress", 2),
        ("route53:ListResourceRecordSets", 1),
        ("s3:CreateBucket", 1),
    ];
    let counts = BTreeMap::from(counts.map(|(action, times)| (action.to_owned(), times)));
    assert_eq!(amazon.proxy.calls_by_action(), counts);
    amazon.proxy.forget_calls();
    assert_eq!(amazon.proxy.calls(), []);
    Ok(())
}
