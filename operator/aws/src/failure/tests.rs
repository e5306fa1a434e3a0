use super::*;

#[test]
fn a_code_is_the_same_fault_whatever_the_status() {
    let faults = [
        ("UnauthorizedOperation", Fault::Denied),
        ("AccessDenied", Fault::Denied),
        ("AccessDeniedException", Fault::Denied),
        ("AuthFailure", Fault::CredentialsRefused),
        ("ExpiredToken", Fault::CredentialsRefused),
        ("InvalidClientTokenId", Fault::CredentialsRefused),
        ("RequestExpired", Fault::SignatureRefused),
        ("SignatureDoesNotMatch", Fault::SignatureRefused),
        ("Throttling", Fault::Throttled),
        ("RequestLimitExceeded", Fault::Throttled),
        ("PriorRequestNotComplete", Fault::Throttled),
        ("AddressLimitExceeded", Fault::Quota),
        ("TooManyHealthChecks", Fault::Quota),
        ("LimitsExceeded", Fault::Quota),
        ("Resource.AlreadyAssociated", Fault::Conflict),
        ("HealthCheckVersionMismatch", Fault::Conflict),
        ("HealthCheckAlreadyExists", Fault::Conflict),
        ("InvalidAllocationID.NotFound", Fault::NotFound),
        ("NoSuchHostedZone", Fault::NotFound),
        ("NoSuchBucket", Fault::NotFound),
        ("NoSuchBucketPolicy", Fault::NotFound),
        ("NoSuchTagSet", Fault::NotFound),
        ("NoSuchLifecycleConfiguration", Fault::NotFound),
        ("NoSuchPublicAccessBlockConfiguration", Fault::NotFound),
        ("OwnershipControlsNotFoundError", Fault::NotFound),
        ("ServerSideEncryptionConfigurationNotFoundError", Fault::NotFound),
        ("BucketAlreadyExists", Fault::Conflict),
        ("BucketAlreadyOwnedByYou", Fault::Conflict),
        ("BucketNotEmpty", Fault::Conflict),
        ("OperationAborted", Fault::Conflict),
        ("TooManyBuckets", Fault::Quota),
        ("SlowDown", Fault::Throttled),
        ("RequestTimeout", Fault::Server),
        ("InvalidToken", Fault::CredentialsRefused),
        ("NoSuchEntity", Fault::NotFound),
        ("EntityAlreadyExists", Fault::Conflict),
        ("EntityTemporarilyUnmodifiable", Fault::Conflict),
        ("DeleteConflict", Fault::Conflict),
        ("LimitExceeded", Fault::Quota),
        ("InvalidGroup.NotFound", Fault::NotFound),
        ("InvalidSecurityGroupRuleId.NotFound", Fault::NotFound),
        ("InvalidGroup.Duplicate", Fault::Conflict),
        ("InvalidPermission.Duplicate", Fault::Conflict),
        ("DependencyViolation", Fault::Conflict),
        ("SecurityGroupLimitExceeded", Fault::Quota),
        ("SecurityGroupsPerInterfaceLimitExceeded", Fault::Quota),
        ("RulesPerSecurityGroupLimitExceeded", Fault::Quota),
    ];
    for (code, fault) in faults {
        for status in [400, 403, 503] {
            assert_eq!(fault_of(code, status), fault, "{code}");
        }
    }
}

#[test]
fn a_code_that_is_not_known_is_judged_by_its_status() {
    let faults = [
        (200, Fault::Server),
        (500, Fault::Server),
        (503, Fault::Server),
        (429, Fault::Throttled),
        (403, Fault::Denied),
        (404, Fault::NotFound),
        (409, Fault::Conflict),
        (412, Fault::Conflict),
        (400, Fault::Invalid),
    ];
    for (status, fault) in faults {
        assert_eq!(fault_of("SomethingNew", status), fault);
        assert_eq!(fault_of("", status), fault);
    }
    assert_eq!(fault_of("InvalidChangeBatch", 400), Fault::Invalid);
    assert_eq!(fault_of("InvalidInput", 400), Fault::Invalid);
    assert_eq!(fault_of("PermanentRedirect", 301), Fault::Invalid);
    assert_eq!(fault_of("MalformedPolicy", 400), Fault::Invalid);
}

#[test]
fn a_message_is_one_line_without_what_nobody_can_read() {
    assert_eq!(short("You may not.\nBecause."), "You may not.");
    assert_eq!(short("You may not. Encoded authorization failure message: aGVsbG8"), "You may not.");
    assert_eq!(short(&"x".repeat(5000)).len(), LONGEST_MESSAGE);
}
