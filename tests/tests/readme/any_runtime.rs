use offhook::{ConnectionChange, Event, Input, Instant, Output, Phone};
use std::{error::Error, io::ErrorKind, net::UdpSocket, time};

pub(crate) fn run(mut phone: Phone, mut go_on: impl FnMut(&Event) -> bool) -> Result<(), Box<dyn Error>> {
    let (socket, start) = (UdpSocket::bind("127.0.0.1:0")?, time::Instant::now());
    let now = || Instant::from_nanos(start.elapsed().as_nanos() as u64);
    let (mut buffer, mut open) = ([0; 65_535], None);
    loop {
        while let Some(output) = phone.poll() {
            match output {
                Output::Open { connection, hop, .. } => {
                    socket.connect((hop.host.as_str(), hop.port))?;
                    open = Some(connection);
                    let change = ConnectionChange::Up { local: Some(socket.local_addr()?.to_string()) };
                    phone.handle(now(), Input::Connection { connection, change })?;
                }
                Output::Transmit { data, .. } => drop(socket.send(&data)?),
                Output::Event(event) if !go_on(&event) => return Ok(()),
                _ => {} // Effects are for the media engine, a Close for the socket.
            }
        }
        let wait = phone.deadline().map_or(time::Duration::MAX, |d| d.at.saturating_since(now()));
        socket.set_read_timeout(Some(wait.max(time::Duration::from_millis(1))))?;
        let input = match (socket.recv(&mut buffer), open) {
            (Ok(n), Some(connection)) => Input::Received { connection, data: buffer[..n].to_vec().into() },
            (Err(e), _) if !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(e.into());
            }
            _ => Input::Wake,
        };
        phone.handle(now(), input)?;
    }
}
