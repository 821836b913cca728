use offhook::{Account, Config, Password};
use offhook_tokio::{Options, Phone, Recorder, RecorderOptions};

pub(crate) async fn recorded(server: &str, file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let recorder = Recorder::start(RecorderOptions::default().with_file(file))?;
    let account = Account::new("sip:alice@example.com", Some(Password::plain("secret")), server)?;
    let options = Options::default().with_recorder(recorder.track("alice"));
    let phone = Phone::start_with(Config::new(account), options).await?;
    phone.registered().await?;
    let mut call = phone.dial("200").await?;
    while let Some(update) = call.next().await {
        println!("{update:?}");
    }
    phone.stop().await;
    recorder.finish()?; // `recorder.dump()` gives the last of it from memory, at any time.
    Ok(())
}
