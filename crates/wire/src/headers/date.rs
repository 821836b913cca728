//! Date.

/// Whether `value` is a SIP-date: RFC 1123, and GMT alone (RFC 3261 §20.17).
pub(crate) fn is_sip_date(value: &[u8]) -> bool {
    const SHAPE: &[u8] = b"Aaa, 00 Aaa 0000 00:00:00 GMT";
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let fits = |(&byte, &shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'A' | b'a' => byte.is_ascii_alphabetic(),
        _ => byte == shape,
    };
    value.len() == SHAPE.len()
        && value.iter().zip(SHAPE).all(fits)
        && DAYS.contains(&&value[..3])
        && MONTHS.contains(&&value[8..11])
}

#[cfg(test)]
mod tests {
    use super::is_sip_date;

    #[test]
    fn greenwich_and_nothing_else() {
        assert!(is_sip_date(b"Sat, 13 Nov 2010 23:29:00 GMT"));
        assert!(!is_sip_date(b"Fri, 01 Jan 2010 16:00:00 EST"));
        assert!(!is_sip_date(b"Fri, 1 Jan 2010 16:00:00 GMT"));
        assert!(!is_sip_date(b"Fri, 01 Foo 2010 16:00:00 GMT"));
        assert!(!is_sip_date(b""));
    }
}
