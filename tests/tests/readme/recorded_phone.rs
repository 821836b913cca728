use offhook::{Account, Config, Password};
use offhook_tokio::{Options, Phone, Recorder, RecorderOptions};

pub(crate) async fn recorded(server: &str, file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let recorder =
        Recorder::start(RecorderOptions { file: Some(file.into()), ..RecorderOptions::default() })?;
    let account = Account::new("sip:alice@example.com", Some(Password::plain("secret")), server)?;
    let options = Options { recorder: Some(recorder.track("alice")), ..Options::default() };
    let phone = Phone::start_with(Config::new(account), options).await?;
    phone.registered().await?;
    let mut call = phone.dial("200").await?;
    while let Some(event) = call.next().await {
        println!("{event:?}");
    }
    phone.stop().await;
    recorder.finish()?; // `recorder.dump()` gives the last of it from memory, at any time.
    Ok(())
}
