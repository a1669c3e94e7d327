//! Calls the client of the library, one operation after the other, and prints what it reads.

use onkernel::{Client, Error, Event, Upload};

type Done = Result<(), Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("LIBRARY_URL")?;
    let client = Client::builder().base_url(url).api_key("tok_of_the_caller").build()?;
    names(&client).await?;
    places(&client).await?;
    references(&client).await?;
    directions(&client).await?;
    bodies(&client).await?;
    values(&client).await?;
    times(&client).await;
    taken(&client).await?;
    Ok(())
}

async fn names(client: &Client) -> Done {
    let disks = client.projects().list_disks("in path").query_project("in query").send().await?;
    println!("{disks:?}");
    let call = client.apps().start("c").send_(true).new_(false).body("b").self_("s").stream(true);
    call.note("n").send().await?;
    let call = client.names().replace_quote(7, "em").account_id_c("plain").account_id_c2("other");
    let quote = call.plus1(1).minus1(-1).type_("dollar").type2("at").send().await?;
    println!("{} {} {:?} {:?}", quote.m, quote.m2, quote.type_, quote.minus1);
    let result = client.names().find_result("abc").send().await?;
    println!("{:?} {:?} {:?}", result.option.some, result.code, result.vec);
    println!("{}", client.names().find_result("ab").send().await.unwrap_err());
    client.crates().create().send().await?;
    client.crates().update("1").send().await
}

async fn places(client: &Client) -> Done {
    println!("{:?}", client.incidents().list().limit(5).send().await?);
    let both = client.incidents().list().order("desc").since("1h");
    println!("{}", both.send().await.unwrap_err());
    let call = client.places().fetch("https://e.org/a?b=c&d=e#f+g%25 h");
    call.sort("a?b/c").send().await?;
    client.places().read_book("a/b").send().await?;
    client.places().publish_book("a:b").send().await?;
    client.places().span("1.5", "2").send().await
}

async fn references(client: &Client) -> Done {
    println!("{:?}", client.references().read_page().send().await?.items);
    println!("{:?}", client.references().read_thing("1").send().await?.state);
    let error = client.references().remove_thing("1").send().await.unwrap_err();
    println!("{}", error.is_not_found());
    Ok(())
}

async fn directions(client: &Client) -> Done {
    let made = client.machines().add("press").passphrase("open sesame").send().await?;
    println!("{:?} {:?} {:?}", made.id, made.created_at, made.passphrase);
    println!("{}", client.machines().add("press").send().await.unwrap_err());
    Ok(())
}

async fn bodies(client: &Client) -> Done {
    let bodies = client.bodies();
    println!("{}", bodies.read_raw().send().await?);
    let object = onkernel::serde_json::json!({ "a": [1, null] });
    let up = bodies.send_object(object.as_object().cloned().unwrap()).send().await?;
    println!("{}", up.up);
    bodies.scan("file_1").send().await?;
    bodies.scan_form(Upload::from("a scan")).send().await?;
    println!("{:?}", bodies.ask().question("why").send().await?.text);
    let mut events = bodies.ask_events().question("why").events().await?;
    while let Some(event) = events.next().await {
        if let Event::Message { data, .. } = event? {
            println!("{:?}", data.delta);
        }
    }
    bodies.post().attachment("QmFzZTY0").send().await?;
    bodies.enrol(12345.into()).send().await?;
    bodies.shelve().shelf("a").send().await?;
    println!("{}", bodies.shelve().send().await.unwrap_err());
    println!("{}", bodies.shelve().shelf("a").floor("b").send().await.unwrap_err());
    Ok(())
}

async fn values(client: &Client) -> Done {
    let values = client.values();
    let event = values.read_event("1").send().await?;
    println!("{:?} {:?} {:?} {:?} {}", event.type_, event.level, event.weight, event.state, event.note);
    values.sow().seed(i64::MIN).big(u64::MAX).send().await?;
    let call = values.read_chromosome().chromosome("22".parse().unwrap());
    call.state("true".parse().unwrap()).send().await?;
    let vote = values.read_vote().send().await?;
    println!("{:?} {:?} {:?}", vote.choice, vote.state, vote.level);
    let done = values.read_done().send().await?;
    println!("{:?} {}", done.error, done.ok);
    println!("{:?}", values.finish().send().await?);
    Ok(())
}

async fn times(client: &Client) {
    for _ in 0..TIMES {
        match client.values().read_times().send().await {
            Ok(times) => println!("{times:?}"),
            Err(error) => {
                assert!(error.is_decode() && error.attempts() == 1, "{error}");
                let source = std::error::Error::source(&error).unwrap();
                println!("{source}: {}", error.body_excerpt().unwrap_or_default());
            }
        }
    }
}
