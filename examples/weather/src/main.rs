//! The client of another API: `weather.yml` describes it, `weather.overlay.yml` says what the document
//! does not, and `.cargo/config.toml` names both, so that `onkernel` is generated from them.
//!
//! `WEATHER_URL=https://… WEATHER_TOKEN=… cargo run`

use onkernel::types::{Kind, Warning};
use onkernel::{Client, Credentials, Null, Upload};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("WEATHER_URL").map_err(|_| "set WEATHER_URL to where the API is")?;
    let client =
        Client::builder().base_url(url).credentials(Credentials::env("WEATHER_TOKEN")).build()?;
    let stations = client.stations();

    // What is required is an argument, what is optional a setter; this one floats.
    let buoy = stations.create("Buoy 7", Kind::Sea).altitude(Null).send().await?;
    println!("set up {} with token {:?}", buoy.name, buoy.token);

    // A value outside of the document's bounds does not leave the process.
    let error = stations.readings().report(&buoy.id, 400).send().await.unwrap_err();
    println!("not sent: {error}");
    stations.readings().report(&buoy.id, 11.5).humidity(80).send().await?;

    let photo = Upload::from("not quite a picture").file_name("buoy.png");
    stations.photo().upload(&buoy.id, photo).caption("At dawn").send().await?;
    println!(
        "photo of {} bytes",
        stations.photo().download(&buoy.id).download().await?.bytes().await?.len()
    );

    // All pages, one in memory at a time.
    let mut all = stations.list().limit(2).items();
    while let Some(station) = all.next().await {
        let station = station?;
        println!("{} ({})", station.name, station.kind);
    }

    let mut warnings = client.warnings().follow().events().await?.messages();
    while let Some(warning) = warnings.next().await {
        match warning? {
            Warning::Storm(storm) => println!("storm: {} m/s", storm.wind),
            Warning::Flood(flood) => println!("flood: {}", flood.river),
            // Of a later version of the service.
            other => println!("something else: {other:?}"),
        }
    }

    stations.delete(&buoy.id).send().await?;
    let error = stations.get(&buoy.id).send().await.unwrap_err();
    if !error.is_not_found() {
        return Err(error.into());
    }
    println!("taken down: {}", error.message().unwrap_or_default());
    Ok(())
}
