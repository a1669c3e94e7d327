//! What the labels and the values can be when a step is called, and what a person may have done.

use std::time::Duration;

use onkernel::Client;
use onkernel::rotation::{AwsStep, AwsStepOutcome as Outcome, Retirement, RotationExt};
use onkernel::testing::{AuthContext, NewKey, Policy};

use crate::world::{CACHE, Kind, STEPS, World};

const CREATE: AwsStep = AwsStep::CreateSecret;
const SET: AwsStep = AwsStep::SetSecret;
const TEST: AwsStep = AwsStep::TestSecret;
const FINISH: AwsStep = AwsStep::FinishSecret;

/// A step fails, saying all of this, and nothing has changed.
async fn fails(world: &std::sync::Arc<World>, step: AwsStep, token: &str, said: &[&str]) {
    let before = (world.live().len(), format!("{:?}", world.aws.state().stages));
    let error = world.step(step, token).await.unwrap_err().to_string();
    for said in said {
        assert!(error.contains(said), "{said:?} is not in {error}");
    }
    let after = (world.live().len(), format!("{:?}", world.aws.state().stages));
    assert_eq!(before, after, "{error}");
}

#[tokio::test]
async fn a_rotation_gives_the_workload_an_equal_key_and_leaves_the_old_one_alive() {
    let world = World::new(Kind { field: true, ..Kind::default() }).await;
    let token = world.begin();
    let report = world.step(CREATE, &token).await.unwrap();
    assert_eq!((report.outcome, report.deleted.len()), (Outcome::Created, 0));
    assert_eq!(world.step(CREATE, &token).await.unwrap().outcome, Outcome::AlreadyCreated);
    assert_eq!(world.step(SET, &token).await.unwrap().outcome, Outcome::Compared);
    assert_eq!(world.step(TEST, &token).await.unwrap().outcome, Outcome::Tested);
    assert_eq!(world.labelled("AWSCURRENT").as_deref(), Some(world.first.plaintext()));
    assert_eq!(world.step(FINISH, &token).await.unwrap().outcome, Outcome::Finished);
    let key = world.labelled("AWSCURRENT").unwrap();
    let text = world.aws.current().unwrap();
    assert_eq!(text, world.text(&key), "every other byte stays");
    let made = world.server.key_by_plaintext(&key).unwrap();
    assert_eq!(Some(made.id), report.key_id);
    assert!(made.name.starts_with("ci~rot-") && made.name.ends_with(&token), "{}", made.name);
    assert_eq!(world.labelled("AWSPREVIOUS").as_deref(), Some(world.first.plaintext()));
    assert!(world.server.authenticates(world.first.plaintext()));
    assert_eq!(world.aws.stage("AWSPENDING"), None);
    // Whatever is called again, is done.
    for step in STEPS {
        assert_eq!(world.step(step, &token).await.unwrap().outcome, Outcome::AlreadyCurrent);
    }
    // The next one retires the first key, and goes by the real name.
    world.pass(2 * CACHE);
    let next = world.begin();
    let report = world.step(CREATE, &next).await.unwrap();
    assert_eq!(report.deleted, std::slice::from_ref(&world.first.id));
    let made = world.server.key(&report.key_id.unwrap()).unwrap();
    assert_eq!(made.name.matches("~rot-").count(), 1, "{}", made.name);
    world.rest(&next).await.unwrap();
    world.settled().await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_none_of_a_rotation_is_rejected() {
    let world = World::new(Kind::default()).await;
    let token = world.begin();
    for step in STEPS {
        fails(&world, step, "00000000-dead-4000-8000-000000000000", &["no version", "dead"]).await;
    }
    fails(&world, SET, &token, &["no value", "createSecret comes first"]).await;
    fails(&world, FINISH, &token, &["no value", "createSecret comes first"]).await;
    // Another rotation came after it.
    world.step(CREATE, &token).await.unwrap();
    world.aws.state().stages.insert("AWSPENDING".into(), "another".into());
    world.aws.state().stages.insert("MINE".into(), token.clone());
    fails(&world, FINISH, &token, &["does not bear AWSPENDING"]).await;
    world.aws.state().stages.insert("AWSPENDING".into(), token.clone());
    world.aws.state().more.insert("RotationEnabled", false.into());
    fails(&world, FINISH, &token, &["not enabled"]).await;
    world.aws.state().more.insert("RotationEnabled", true.into());
    world.rest(&token).await.unwrap();
    world.aws.state().stages.remove("MINE");
    world.settled().await.unwrap();
}

#[tokio::test]
async fn a_configuration_is_tested_without_a_rotation() {
    let world = World::new(Kind::default()).await;
    let token = world.begin();
    let report = world.step(TEST, &token).await.unwrap();
    assert_eq!(report.outcome, Outcome::ConfigurationTested);
    assert_eq!(world.live().len(), 1, "nothing is made");
    // AWS takes the version away again.
    world.aws.state().stages.remove("AWSPENDING");
    assert!(world.server.delete(&world.first.id));
    let token = world.begin();
    fails(&world, TEST, &token, &["does not work"]).await;

    let world = World::new(Kind::default()).await;
    assert!(world.server.rename(&world.first.id, "~onk-x-01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    let token = world.begin();
    fails(&world, TEST, &token, &["marker of a rotation"]).await;
    fails(&world, CREATE, &token, &["marker of a rotation"]).await;
}

#[tokio::test]
async fn what_lags_is_waited_for() {
    let world = World::new(Kind::default()).await;
    let token = world.begin();
    world.aws.state().lag_of_labels = 3;
    world.step(CREATE, &token).await.unwrap();
    for step in [SET, TEST, FINISH] {
        world.aws.state().lag_by_id = 3;
        let report = world.step(step, &token).await.unwrap();
        assert_ne!(report.outcome, Outcome::ConfigurationTested);
    }
    world.settled().await.unwrap();
    // A value that does not show yet: another key is made in vain, and goes.
    world.pass(2 * CACHE);
    let token = world.begin();
    world.step(CREATE, &token).await.unwrap();
    let pending = world.labelled("AWSPENDING");
    world.aws.state().lag_by_id = 2;
    let report = world.step(CREATE, &token).await.unwrap();
    assert_eq!(report.outcome, Outcome::AlreadyCreated);
    assert_eq!(world.labelled("AWSPENDING"), pending);
    world.rest(&token).await.unwrap();
    world.settled().await.unwrap();
}

#[tokio::test]
async fn a_secret_without_a_key_is_rejected() {
    let world = World::new(Kind::default()).await;
    let token = world.begin();
    world.aws.state().stages.remove("AWSCURRENT");
    fails(&world, CREATE, &token, &["no value yet"]).await;
    world.put("");
    fails(&world, CREATE, &token, &["holds no key"]).await;
    world.put("sk_nobody_0123456789abcdef");
    fails(&world, CREATE, &token, &["does not work"]).await;
    let world = World::new(Kind { field: true, ..Kind::default() }).await;
    world.aws.state().foreign("{\"other\": 1}");
    let token = world.begin();
    fails(&world, CREATE, &token, &["holds no key"]).await;
    world.aws.state().foreign("no JSON");
    fails(&world, CREATE, &token, &["no JSON object"]).await;
}

#[tokio::test]
async fn two_rotations_within_the_overlap_are_one_too_many() {
    let world = World::new(Kind::default()).await;
    world.rest(&world.begin()).await.unwrap();
    world.pass(CACHE / 2);
    let token = world.begin();
    fails(&world, CREATE, &token, &["replaced only 30 minutes ago", "rotate in 30 minutes"]).await;
    // AWS tries again.
    world.pass(CACHE);
    world.rest(&token).await.unwrap();
    world.settled().await.unwrap();
}

#[tokio::test]
async fn a_pending_key_that_is_dead_needs_a_person() {
    let world = World::new(Kind::default()).await;
    let token = world.begin();
    let id = world.step(CREATE, &token).await.unwrap().key_id.unwrap();
    assert!(world.server.delete(&id));
    for step in STEPS {
        fails(&world, step, &token, &["401", "update-secret-version-stage", &token]).await;
    }
    world.aws.state().stages.remove("AWSPENDING");
    world.settled().await.unwrap();
}

#[tokio::test]
async fn a_current_key_that_was_narrowed_is_not_undone() {
    let world = World::new(Kind::default()).await;
    let token = world.begin();
    world.step(CREATE, &token).await.unwrap();
    assert!(world.server.set_policy(&world.first.id, Some(Policy::new())));
    for step in [SET, FINISH] {
        fails(&world, step, &token, &["differ in policy", "rotate again"]).await;
    }
}

#[tokio::test]
async fn a_value_that_somebody_put_there_is_taken_as_it_is() {
    // Another field was changed: the key is the same in two versions.
    let world = World::new(Kind { field: true, ..Kind::default() }).await;
    world.rest(&world.begin()).await.unwrap();
    world.pass(2 * CACHE);
    let key = world.labelled("AWSCURRENT").unwrap();
    let text = world.text(&key).replace("1.0", "2.0");
    world.aws.state().foreign(&text);
    world.pass(2 * CACHE);
    let token = world.begin();
    world.rest(&token).await.unwrap();
    world.sound().unwrap();
    assert!(world.aws.current().unwrap().contains("2.0"));
    assert_eq!(world.labelled("AWSPREVIOUS"), Some(key));

    // Another key, and the one before loses its last label: it goes by its name.
    let world = World::new(Kind::default()).await;
    world.rest(&world.begin()).await.unwrap();
    world.pass(2 * CACHE);
    world.rest(&world.begin()).await.unwrap();
    let by_hand = NewKey::named("by hand").days(90).project("proj_1");
    let policy = Policy::new().allow("browsers:use", "projects/proj_1/*");
    let by_hand = world.server.add_key(by_hand.policy(policy));
    world.put(by_hand.plaintext());
    world.pass(2 * CACHE);
    world.rest(&world.begin()).await.unwrap();
    let current = world.labelled("AWSCURRENT").unwrap();
    let name = world.server.key_by_plaintext(&current).unwrap().name;
    assert!(name.starts_with("by hand~rot-"), "{name}");
    world.settled().await.unwrap();
}

#[tokio::test]
async fn a_rollback_is_one_command_and_the_next_rotation_goes_on_from_it() {
    let world = World::new(Kind::default()).await;
    world.rest(&world.begin()).await.unwrap();
    world.pass(2 * CACHE);
    let before = world.labelled("AWSCURRENT");
    world.rest(&world.begin()).await.unwrap();
    {
        let mut state = world.aws.state();
        let (current, previous) =
            (state.stages["AWSCURRENT"].clone(), state.stages["AWSPREVIOUS"].clone());
        state.stages.insert("AWSCURRENT".into(), previous);
        state.stages.insert("AWSPREVIOUS".into(), current);
    }
    assert_eq!(world.labelled("AWSCURRENT"), before);
    assert!(world.server.authenticates(&before.unwrap()));
    world.settled().await.unwrap();
}

#[tokio::test]
async fn keys_of_others_are_left_alone() {
    let world = World::new(Kind::default()).await;
    let token = world.begin();
    let id = world.step(CREATE, &token).await.unwrap().key_id.unwrap();
    let name = world.server.key(&id).unwrap().name;
    let digest = name.split("~rot-").nth(1).unwrap()[..16].to_owned();
    let others = [
        "ci".to_owned(),
        name.to_uppercase(),
        name.replace(&digest, "00000000"),
        format!("ci~rot-{digest}"),
        format!("ci~ROT-{digest}-{token}"),
    ];
    for name in &others {
        world.server.add_key(NewKey::named(name.as_str()));
    }
    // One that somebody has pinned by a label of their own.
    world.rest(&token).await.unwrap();
    world.aws.state().stages.insert("PINNED".into(), token.clone());
    for _ in 0..3 {
        world.pass(2 * CACHE);
        world.rest(&world.begin()).await.unwrap();
    }
    world.sound().unwrap();
    assert!(world.server.authenticates(&world.key_of(&token).unwrap()));
    for name in &others {
        assert!(
            world.server.keys().iter().any(|key| key.name == *name && key.deleted_at.is_none())
        );
    }
    // Without that label it is nobody's.
    world.aws.state().stages.remove("PINNED");
    world.pass(2 * CACHE);
    world.rest(&world.begin()).await.unwrap();
    assert!(!world.server.authenticates(&world.key_of(&token).unwrap()));
    assert_eq!(world.live().len(), others.len() + 2);
}

#[tokio::test]
async fn masked_forms_that_are_alike_are_told_apart_by_the_server_or_not_at_all() {
    let world = World::new(Kind { collide: true, ..Kind::default() }).await;
    world.rest(&world.begin()).await.unwrap();
    world.settled().await.unwrap();
    // Where it does not say who is asking, nothing is guessed.
    let context = AuthContext::Missing;
    let world = World::new(Kind { collide: true, context, ..Kind::default() }).await;
    world.server.add_key(NewKey::named("other"));
    let token = world.begin();
    fails(&world, CREATE, &token, &["keys look like one that aws:kernel/ci holds"]).await;
}

#[tokio::test]
async fn our_own_rotation_and_that_of_aws_follow_each_other() {
    let world = World::new(Kind::default()).await;
    for _ in 0..2 {
        world.rest(&world.begin()).await.unwrap();
        world.pass(2 * CACHE);
    }
    let client = Client::builder()
        .api_key(world.server.bootstrap_key())
        .base_url(world.server.url())
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rotated = client
        .rotation_of(world.aws.store().propagating(Duration::ZERO))
        .journal(folder.path().join("journal"))
        .retire(Retirement::Delete)
        .overlap(Duration::ZERO);
    rotated.run().await.unwrap();
    let current = world.labelled("AWSCURRENT").unwrap();
    world.pass(2 * CACHE);
    world.rest(&world.begin()).await.unwrap();
    assert!(world.server.authenticates(&current), "it bears the name of another version");
    world.settled().await.unwrap();
}
