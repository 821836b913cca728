//! Accounts that change at run time, credentials that arrive late, and several realms.

use crate::world::{BOUND, account, account_event, config, exchange, fast, incoming, phone};
use offhook::{
    Account, AccountId, Cause, Config, Credentials, Limits, Misuse, Password, RegistrationState, Request,
    RequestOutcome,
};
use offhook_tokio::{
    AccountEvent, CommandError, CredentialsRequest, ExchangeServer, NotRegistered, Phone, PhoneEvent,
};
use offhook_wire::{Builder, HeaderName, Message, Method};
use tokio::net::UdpSocket;
use tokio::time::timeout;

fn server(exchange: &ExchangeServer) -> String {
    format!("ws://{}", exchange.addresses().ws.expect("listens"))
}

/// Waits until all accounts are registered.
async fn registered(phone: &Phone) -> Result<(), NotRegistered> {
    timeout(BOUND, phone.registered()).await.expect("in time")
}

async fn removed(phone: &mut Phone, account: AccountId) {
    account_event(phone, |of, event| (of == account && *event == AccountEvent::Removed).then_some(())).await;
}

#[tokio::test]
async fn added_account_registers_and_calls_and_is_removed() {
    let exchange = exchange().await;
    let mut alice = phone(&exchange, "alice", 440.0).await;
    let id = alice.add_account(account("bob", &server(&exchange))).await.expect("added");
    assert_ne!(id, AccountId(0));
    registered(&alice).await.expect("both");
    assert!(matches!(alice.registration(id), Some(RegistrationState::Registered { .. })));

    // It is bob now, and can be called.
    let _out = alice.dial("bob").await.expect("dialled");
    let call = incoming(&mut alice).await;
    assert_eq!(call.incoming().map(|incoming| incoming.account), Some(id));

    alice.remove_account(id).await.expect("removed");
    removed(&mut alice, id).await;
    assert_eq!(alice.registration(id), None);
    registered(&alice).await.expect("the other one");
    let unknown = CommandError::Misuse(Misuse::UnknownAccount(id));
    assert_eq!(alice.remove_account(id).await, Err(unknown.clone()));
    assert_eq!(alice.register(id).await, Err(unknown));
    timeout(BOUND, alice.stop()).await.expect("stops");
}

/// The program may run in another thread than the phone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_after_a_command_is_that_of_the_command() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    for _ in 0..50 {
        let id = alice.add_account(account("bob", &server(&exchange))).await.expect("added");
        let state = alice.registration(id);
        assert!(!matches!(state, None | Some(RegistrationState::Unregistered)), "{state:?}");
    }
    timeout(BOUND, alice.stop()).await.expect("stops");
}

#[tokio::test]
async fn replaced_account_registers_at_its_new_server() {
    let (mut first, second) = (exchange().await, exchange().await);
    let alice = phone(&first, "alice", 440.0).await;
    alice.replace_account(AccountId(0), account("bob", &server(&second))).await.expect("replaced");
    let removal = async {
        loop {
            let event = timeout(BOUND, first.next()).await.expect("in time").expect("runs");
            if matches!(event, offhook_exchange::Event::Unregistered { .. }) {
                return;
            }
        }
    };
    removal.await;
    let carol = phone(&second, "alice", 880.0).await;
    let outcome = async {
        loop {
            let outcome = carol.message("bob", "hello").await.expect("sent");
            if matches!(outcome, RequestOutcome::Accepted { .. }) {
                return;
            }
        }
    };
    timeout(BOUND, outcome).await.expect("bob is registered at the second exchange");
    timeout(BOUND, alice.stop()).await.expect("stops");
}

#[tokio::test]
async fn phone_without_accounts_gets_one() {
    let exchange = exchange().await;
    let mut config = Config::new(account("alice", &server(&exchange)));
    let account = config.accounts.remove(0);
    let alice = Phone::start(config).await.expect("starts");
    registered(&alice).await.expect("nothing to wait for");
    let id = alice.add_account(account).await.expect("added");
    registered(&alice).await.expect("registered");
    assert!(matches!(alice.registration(id), Some(RegistrationState::Registered { .. })));
    timeout(BOUND, alice.stop()).await.expect("stops");
}

fn asking(exchange: &ExchangeServer) -> Account {
    let mut account = account("alice", &server(exchange));
    (account.password, account.ask_credentials) = (None, true);
    account
}

async fn credentials_request(phone: &mut Phone) -> CredentialsRequest {
    loop {
        let event = timeout(BOUND, phone.next()).await.expect("in time").expect("runs");
        if let PhoneEvent::Credentials(request) = event {
            return request;
        }
    }
}

fn right() -> Credentials {
    Credentials::new(Password::plain("a-pw"))
}

#[tokio::test]
async fn registration_waits_for_credentials() {
    let exchange = exchange().await;
    let mut alice = Phone::start(fast(asking(&exchange))).await.expect("starts");
    let request = credentials_request(&mut alice).await;
    assert_eq!((request.account(), request.realm()), (AccountId(0), "offhook.test"));
    request.answer(right());
    registered(&alice).await.expect("registered");

    // The same by a command.
    let mut alice = Phone::start(fast(asking(&exchange))).await.expect("starts");
    let request = credentials_request(&mut alice).await;
    alice.set_credentials(AccountId(0), right()).await.expect("set");
    registered(&alice).await.expect("registered");
    // A late refusal changes nothing: it is handled before the outcome of a MESSAGE arrives.
    drop(request);
    let sent = timeout(BOUND, alice.message("alice", "to myself")).await.expect("in time");
    assert_eq!(sent, Ok(RequestOutcome::Accepted { code: 200 }));
    assert!(matches!(alice.registration(AccountId(0)), Some(RegistrationState::Registered { .. })));
}

#[tokio::test]
async fn dropped_credentials_request_fails_the_registration() {
    let exchange = exchange().await;
    let mut alice = Phone::start(fast(asking(&exchange))).await.expect("starts");
    drop(credentials_request(&mut alice).await);
    let failed = registered(&alice).await;
    assert!(
        matches!(failed, Err(NotRegistered::Failed(why)) if why.cause == Cause::Unauthorized),
        "{failed:?}"
    );
    // A phone with a pending request for credentials stops in time, too.
    let mut alice = Phone::start(fast(asking(&exchange))).await.expect("starts");
    let request = credentials_request(&mut alice).await;
    timeout(BOUND, alice.stop()).await.expect("stops");
    request.answer(right());
}

/// A registrar and proxy over UDP that challenges each request with two realms.
async fn two_realms(socket: UdpSocket) {
    let mut buffer = vec![0; 65_536];
    loop {
        let (count, from) = socket.recv_from(&mut buffer).await.expect("open");
        let data = bytes::Bytes::copy_from_slice(&buffer[..count]);
        let Ok(request) = Message::parse(data, &Limits::default()) else { continue };
        if request.method().is_none() || request.method() == Some(Method::Ack) {
            continue;
        }
        let answers = |realm: &str| {
            let realm = format!("realm=\"{realm}\"");
            request
                .values(HeaderName::Authorization)
                .any(|value| value.windows(realm.len()).any(|part| part == realm.as_bytes()))
        };
        let mut reply = if answers("first") && answers("second") {
            let mut reply = Builder::reply(&request, 200, "OK", Some(b"there"));
            if let Some(contact) = request.header(HeaderName::Contact) {
                reply.header(HeaderName::Contact, contact);
            }
            reply
        } else {
            let mut reply = Builder::reply(&request, 401, "Unauthorized", Some(b"there"));
            for realm in ["first", "second"] {
                let row =
                    format!("Digest realm=\"{realm}\", nonce=\"{realm}\", algorithm=SHA-256, qop=\"auth\"");
                reply.header(HeaderName::WwwAuthenticate, row);
            }
            reply
        };
        reply.header(HeaderName::Expires, "600");
        socket.send_to(&reply.finish(), from).await.expect("sent");
    }
}

#[tokio::test]
async fn two_realms_of_one_response_are_answered() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let server = format!("udp://{}", socket.local_addr().expect("bound"));
    let use_it = async {
        let alice = Phone::start(fast(account("alice", &server))).await.expect("starts");
        registered(&alice).await.expect("with both");
        // The realms are those of the account's own server, so a MESSAGE is answered, too.
        let sent = timeout(BOUND, alice.request(Request::message("bob", "hello"))).await.expect("in time");
        assert_eq!(sent, Ok(RequestOutcome::Accepted { code: 200 }));
        timeout(BOUND, alice.stop()).await.expect("stops");
    };
    tokio::select! {
        () = use_it => {}
        () = two_realms(socket) => {}
    }
}

#[tokio::test]
async fn two_accounts_of_one_phone_have_two_realms() {
    let house = offhook_exchange::Config::new("house.test").with_user("carol", "c-pw");
    let listen = offhook_tokio::Listen::ws("127.0.0.1:0".parse().expect("an address"));
    let other = ExchangeServer::start(house, listen.clone()).await.expect("starts");
    let first = ExchangeServer::start(config(), listen).await.expect("starts");
    let mut config = fast(account("alice", &server(&first)));
    let password = Some(Password::plain("c-pw"));
    let carol = Account::new("sip:carol@house.test", password, &server(&other)).expect("a hop");
    config.accounts.push(carol);
    let phone = Phone::start(config).await.expect("starts");
    registered(&phone).await.expect("both");
    for (account, to) in [(AccountId(0), "alice"), (AccountId(1), "carol")] {
        let send = Request::message(to, "to myself").with_account(account);
        let sent = timeout(BOUND, phone.request(send)).await.expect("in time");
        assert_eq!(sent, Ok(RequestOutcome::Accepted { code: 200 }), "{to}");
    }
    timeout(BOUND, phone.stop()).await.expect("stops");
}
