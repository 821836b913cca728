//! Replays the committed corpora.

use std::fs;
use std::path::Path;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("a corpus for each target") {
        let path = entry.expect("a readable folder").path();
        let data = fs::read(&path).expect("a readable input");
        // The name of the input is in the output of a test that fails.
        println!("{}", path.display());
        body(&data);
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn datagram() {
    replay("datagram", offhook_fuzz::datagram);
}

#[test]
fn stream_split() {
    replay("stream_split", offhook_fuzz::stream_split);
}

#[test]
fn digest() {
    replay("digest", offhook_fuzz::digest);
}

#[test]
fn exchange() {
    replay("exchange", |data| {
        offhook_fuzz::exchange(data);
    });
}

#[test]
fn recording() {
    replay("recording", offhook_fuzz::recording);
}

#[test]
fn sdp() {
    replay("sdp", offhook_fuzz::sdp);
}
