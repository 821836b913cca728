use offhook::{Account, Config, Password, Status};
use offhook_tokio::{CallUpdate, Phone};

pub(crate) async fn call(server: &str) -> Result<(), Box<dyn std::error::Error>> {
    let account = Account::new("sip:alice@example.com", Some(Password::plain("secret")), server)?;
    let phone = Phone::start(Config::new(account)).await?;
    phone.registered().await?;
    let mut call = phone.dial("200").await?;
    while let Some(update) = call.next().await {
        if let CallUpdate::Event(event) = &update {
            println!("{event}");
        }
        if update.status() == Some(Status::Established) {
            call.hang_up().await?;
        }
    }
    Ok(())
}
