//! Which requests a fault strikes.

use onkernel::testing::Fault;

use super::{KEYS, made, named, start, with};

#[tokio::test]
async fn the_third_post_loses_its_response_after_the_effect() {
    let (server, api) = start().await;
    server.faults().add(Fault::drop_connection().method("post").path(KEYS).nth(3).after());
    for number in 1..=4 {
        api.list("").await;
        let response = api.try_send("POST", KEYS, named(&format!("k{number}"))).await;
        assert_eq!(response.is_err(), number == 3, "{response:?}");
        assert!(made(&server, &format!("k{number}")));
    }
    assert_eq!(server.faults().fired(), [1]);
}

#[tokio::test]
async fn orders_count_the_requests_they_are_about() {
    let ok_or_not = async |fault: Fault| {
        let (_server, api) = with(fault).await;
        let mut statuses = Vec::new();
        for _ in 0..8 {
            statuses.push(api.list("").await.status == 503);
        }
        statuses.iter().map(|failed| if *failed { 'x' } else { '.' }).collect::<String>()
    };
    let fault = || Fault::status(503);
    assert_eq!(ok_or_not(fault()).await, "xxxxxxxx");
    assert_eq!(ok_or_not(fault().nth(2)).await, ".x......");
    assert_eq!(ok_or_not(fault().from(6)).await, ".....xxx");
    assert_eq!(ok_or_not(fault().every(3)).await, "..x..x..");
    assert_eq!(ok_or_not(fault().times(2)).await, "xx......");
    assert_eq!(ok_or_not(fault().every(2).from(4).times(2)).await, "...x.x..");
    assert_eq!(ok_or_not(fault().probability(0.0)).await, "........");
    assert_eq!(ok_or_not(fault().probability(1.0)).await, "xxxxxxxx");
    assert_eq!(ok_or_not(fault().method("POST")).await, "........");
    assert_eq!(ok_or_not(fault().method("get").path("/org/*")).await, "xxxxxxxx");
    assert_eq!(ok_or_not(fault().path("/org/api_keys/{id}")).await, "........");

    let chance = || ok_or_not(fault().probability(0.5).seed(7));
    let (one, two) = (chance().await, chance().await);
    assert_eq!(one, two, "the same seed makes the same choices");
    assert!(one.contains('x') && one.contains('.'), "{one}");
    assert_ne!(one, ok_or_not(fault().probability(0.5).seed(8)).await);
}

#[tokio::test]
async fn the_first_order_that_fires_wins_and_all_of_them_count() {
    let (server, api) = start().await;
    server.faults().add(Fault::status(503).nth(1));
    server.faults().add(Fault::status(500).nth(2));
    server.faults().add(Fault::status(502).from(2));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(api.list("").await.status);
    }
    assert_eq!(statuses, [503, 500, 502]);
    assert_eq!(server.faults().fired(), [1, 1, 1]);
    server.faults().clear();
    assert_eq!(api.list("").await.status, 200);
}
