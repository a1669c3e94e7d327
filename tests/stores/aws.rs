//! AWS Secrets Manager: nothing is overwritten that somebody else wrote, whatever is lost on the way.

use std::time::Duration;

use onkernel::Secret;
use onkernel::rotation::Store;
use serde_json::json;

use crate::fakes::aws::{ARN, Aws, Fault};
use crate::support::{FOREIGN, NEW, OLD, OTHER, held, says, swap};

/// A secret with the key in a field, and others around it.
fn fields(key: &str) -> String {
    format!("{{\n  \"b\": 1.0,\n  \"key\":\"{key}\" ,\"a\":[\"{OTHER}\"],\"key2\":\"x\"}}\n")
}

#[tokio::test]
async fn a_field_is_replaced_and_every_other_byte_stays() {
    let aws = Aws::holding(Some(&fields(OLD))).await;
    let store = aws.store().field("key");
    store.check().await.unwrap();
    assert_eq!(held(&store).await.as_deref(), Some(OLD));
    let before = aws.stage("AWSCURRENT");
    assert!(swap(&store, OLD, NEW).await.unwrap());
    assert_eq!(held(&store).await.as_deref(), Some(NEW));
    assert_eq!(aws.current().unwrap(), fields(NEW));
    assert_eq!(aws.stage("AWSPREVIOUS"), before);
    assert_eq!(aws.stage("AWSPENDING"), None, "the label would block the rotations of AWS");
    assert_eq!(store.describe(), "aws:kernel/ci#key");
    assert_eq!(store.identity(), format!("aws:{ARN}#key"));
    // And back.
    assert!(swap(&store, NEW, OLD).await.unwrap());
    assert_eq!(aws.current().unwrap(), fields(OLD));
}

#[tokio::test]
async fn a_whole_secret_is_the_key_and_keeps_its_line_end() {
    for end in ["", "\n", "\r\n"] {
        let aws = Aws::holding(Some(&format!("{OLD}{end}"))).await;
        assert!(swap(&aws.store(), OLD, NEW).await.unwrap());
        assert_eq!(aws.current().unwrap(), format!("{NEW}{end}"));
        assert_eq!(held(&aws.store()).await.as_deref(), Some(NEW));
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_is_never_overwritten() {
    let aws = Aws::holding(Some(FOREIGN)).await;
    assert!(!swap(&aws.store(), OLD, NEW).await.unwrap());
    assert_eq!(aws.calls("PutSecretValue"), 0);
    // Between any two of our calls.
    for action in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let aws = Aws::holding(Some(OLD)).await;
        aws.fail(action, Fault::Foreign(FOREIGN));
        assert!(!swap(&aws.store(), OLD, NEW).await.unwrap(), "{action}");
        assert_eq!(aws.current().as_deref(), Some(FOREIGN), "{action}");
        assert_eq!(aws.stage("AWSPENDING"), None, "{action}");
        // A write without a word of what it replaces goes by what was read last.
        let aws = Aws::holding(None).await;
        let store = aws.store();
        assert_eq!(held(&store).await, None);
        aws.fail(action, Fault::Foreign(FOREIGN));
        if action == "PutSecretValue" {
            says(store.write(&Secret::from(NEW)).await, &["somebody else"]);
            assert_eq!(aws.current().as_deref(), Some(FOREIGN), "{action}");
        }
    }
    let aws = Aws::holding(Some(OLD)).await;
    let store = aws.store();
    held(&store).await;
    aws.state().foreign(FOREIGN);
    says(store.write(&Secret::from(NEW)).await, &["aws:kernel/ci: somebody else has written"]);
    assert_eq!(aws.current().as_deref(), Some(FOREIGN));
}

#[tokio::test]
async fn a_lost_response_is_found_out_about() {
    let actions = ["GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"];
    let faults = [Fault::DropBefore, Fault::DropAfter, Fault::FailAfter, Fault::Throttle];
    for action in actions {
        for fault in &faults {
            let aws = Aws::holding(Some(&fields(OLD))).await;
            let store = aws.store().field("key");
            aws.fail(action, fault.clone());
            aws.fail(action, fault.clone());
            assert!(swap(&store, OLD, NEW).await.unwrap(), "{action} {fault:?}");
            assert_eq!(aws.current().unwrap(), fields(NEW), "{action} {fault:?}");
            let versions = aws.state().versions.len();
            assert_eq!(versions, 2, "the same write is the same version: {action} {fault:?}");
        }
    }
}

#[tokio::test]
async fn an_outcome_that_cannot_be_found_out_is_unknown() {
    let aws = Aws::holding(Some(OLD)).await;
    let store = aws.store().timeout(Duration::from_secs(2));
    (0..99).for_each(|_| aws.fail("UpdateSecretVersionStage", Fault::DropBefore));
    let error = says(swap(&store, OLD, NEW).await, &["UpdateSecretVersionStage", "lost"]);
    assert!(error.outcome_unknown());
    assert!(aws.stage("AWSPENDING").is_some());
    // What is left is ours, and goes with the next check; the late move would fail by the next write.
    aws.state().faults.clear();
    aws.store().check().await.unwrap();
    assert_eq!(aws.stage("AWSPENDING"), None);
    assert!(swap(&aws.store(), OLD, OLD).await.unwrap());
    assert_eq!(aws.state().versions.len(), 3, "the same key is written anew");

    // A version that waits is not what readers get.
    let aws = Aws::holding(Some(OLD)).await;
    let store = aws.store().timeout(Duration::from_secs(2));
    (0..99).for_each(|_| aws.fail("PutSecretValue", Fault::DropAfter));
    let error = says(swap(&store, OLD, NEW).await, &["PutSecretValue", "lost"]);
    assert!(!error.outcome_unknown());
    assert_eq!((aws.current().as_deref(), aws.stage("AWSPENDING")), (Some(OLD), None));
    // But the first one is.
    let aws = Aws::holding(None).await;
    let store = aws.store().timeout(Duration::from_secs(2));
    (0..99).for_each(|_| aws.fail("PutSecretValue", Fault::DropBefore));
    assert!(store.write(&Secret::from(NEW)).await.unwrap_err().outcome_unknown());
}

#[tokio::test]
async fn reads_that_lag_are_waited_for() {
    let aws = Aws::holding(Some(OLD)).await;
    aws.state().lag_by_id = 3;
    assert!(swap(&aws.store(), OLD, NEW).await.unwrap());
    assert_eq!(aws.current().as_deref(), Some(NEW));
    // The move was made, its response lost, and the next looks show the version before.
    aws.fail("UpdateSecretVersionStage", Fault::DropAndLag(2));
    assert!(swap(&aws.store(), NEW, OLD).await.unwrap());
    assert_eq!(aws.current().as_deref(), Some(OLD));
}

#[tokio::test]
async fn a_secret_without_a_value_gets_its_first() {
    let aws = Aws::holding(None).await;
    let store = aws.store();
    store.check().await.unwrap();
    assert_eq!(held(&store).await, None);
    store.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(aws.current().as_deref(), Some(NEW));
    assert_eq!(aws.stage("AWSPENDING"), None);
    says(store.clear().await, &["cannot be emptied"]);
    // A field can be taken away again.
    let aws = Aws::holding(Some("{\"a\": 1}")).await;
    let store = aws.store().field("key");
    assert_eq!(held(&store).await, None);
    store.write(&Secret::from(NEW)).await.unwrap();
    assert_eq!(aws.current().unwrap(), format!("{{\"a\": 1,\"key\":\"{NEW}\"}}"));
    store.clear().await.unwrap();
    assert_eq!(aws.current().as_deref(), Some("{\"a\": 1}"));
}

#[tokio::test]
async fn a_check_finds_what_stands_in_the_way() {
    let aws = Aws::holding(Some(OLD)).await;
    aws.state().stages.insert("AWSPENDING".into(), "11111111-of-a-lambda".into());
    says(aws.store().check().await, &["11111111-of-a-lambda", "another rotation"]);
    assert!(aws.stage("AWSPENDING").is_some(), "it is not ours");
    aws.state().stages.remove("AWSPENDING");
    aws.state().more.insert("PrimaryRegion", json!("us-east-1"));
    says(aws.store().check().await, &["replica", "us-east-1"]);
    aws.state().more.insert("PrimaryRegion", json!("eu-west-1"));
    aws.store().check().await.unwrap();
    aws.state().more.insert("DeletedDate", json!(1.0));
    says(aws.store().check().await, &["restore"]);
    aws.state().exists = false;
    says(aws.store().check().await, &["aws:kernel/ci: there is no such secret in eu-west-1"]);
    says(aws.store().read().await, &["no such secret"]);

    for (value, field, said) in [
        ("\u{0}binary", None, "binary"),
        (OLD, Some("key"), "not JSON"),
        ("{\"key\":1}", Some("key"), "not a string"),
        ("{\"key\":\"a\",\"key\":\"b\"}", Some("key"), "twice"),
    ] {
        let aws = Aws::holding(Some(value)).await;
        let mut store = aws.store();
        if let Some(field) = field {
            store = store.field(field);
        }
        says(store.check().await, &[said]);
        says(store.write(&Secret::from(NEW)).await, &[said]);
        assert_eq!(aws.current().as_deref(), Some(value));
    }
}

#[tokio::test]
async fn an_error_says_what_to_do_and_holds_no_secret() {
    for (action, code, said) in [
        ("GetSecretValue", "AccessDeniedException", "secretsmanager:GetSecretValue"),
        ("PutSecretValue", "AccessDeniedException", "secretsmanager:PutSecretValue"),
        ("PutSecretValue", "EncryptionFailure", "kms:GenerateDataKey"),
        ("UpdateSecretVersionStage", "AccessDeniedException", "UpdateSecretVersionStage"),
        ("GetSecretValue", "ExpiredTokenException", "renew"),
        ("PutSecretValue", "LimitExceededException", "LimitExceededException"),
    ] {
        let aws = Aws::holding(Some(&fields(OLD))).await;
        aws.fail(action, Fault::Reject(code));
        let error = says(swap(&aws.store().field("key"), OLD, NEW).await, &[said, "kernel/ci#key"]);
        assert!(!error.outcome_unknown(), "{error}");
        assert_eq!(aws.current().unwrap(), fields(OLD));
        assert_eq!(aws.stage("AWSPENDING"), None);
    }
    let aws = Aws::holding(Some(OLD)).await;
    (0..99).for_each(|_| aws.fail("GetSecretValue", Fault::Throttle));
    says(aws.store().timeout(Duration::from_secs(1)).read().await, &["limits the rate", "later"]);
    let nowhere = aws.store().endpoint("http://127.0.0.1:9").timeout(Duration::from_secs(1));
    let error = says(swap(&nowhere, OLD, NEW).await, &["cannot be reached"]);
    assert!(!error.outcome_unknown());
    says(aws.store().endpoint("http://10.1.2.3").read().await, &["https"]);
    assert!(!format!("{:?}", aws.store()).contains("wJalrXUtnFEMI"));
}

#[tokio::test]
async fn the_same_write_is_the_same_version_and_another_key_another_one() {
    let aws = Aws::holding(Some(OLD)).await;
    for key in [NEW, FOREIGN] {
        // The version is there, and is never made the current one.
        aws.fail("UpdateSecretVersionStage", Fault::Reject("AccessDeniedException"));
        swap(&aws.store(), OLD, key).await.unwrap_err();
        aws.fail("UpdateSecretVersionStage", Fault::Reject("AccessDeniedException"));
        swap(&aws.store(), OLD, key).await.unwrap_err();
    }
    let ids: Vec<_> = aws.state().versions.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    for id in &ids[1..] {
        assert!(id.starts_with("6f6e6b2d-") && id.len() == 36, "{id}");
    }
}
